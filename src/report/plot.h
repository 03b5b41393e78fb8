#pragma once

#include <string>
#include <utility>
#include <vector>

#include "glint/report/chart.h"
#include "glint/report/table.h"

// What the charts share: scales, ticks, frame, legend, figure. Lengths in SVG's user units; y grows downwards.
namespace glint::html {

constexpr double kChartWidth = 420;
constexpr double kFontSize = 12;

// From values to places.
struct Scale {
  double low = 0, high = 1;  // values at the ends
  bool is_log = false;
  double begin = 0, end = 1;  // places at the ends

  bool takes(double value) const;  // finite, and above zero where logarithmic
  double at(double value) const;
};

// A scale over `values` (those it takes) and the axis's own ends, a little wider than both; `from_zero`: shows 0 too.
Scale scale_over(const std::vector<double>& values, const Axis& axis, bool from_zero);

struct Tick {
  double value = 0;
  std::string label;
};
// About `wanted` round values inside the scale: 1, 2 or 5 times a power of ten.
std::vector<Tick> ticks_of(const Scale& scale, int wanted);

double text_width(const std::string& text);  // estimated
// At most `characters` of it, with an ellipsis where it is longer.
std::string shortened(const std::string& text, std::size_t characters);

std::string place(double value);  // a coordinate: two digits after the point

// A text at a place. anchor: "start", "middle", "end".
Markup svg_text(double x, double y, const std::string& text, const char* anchor, const Attributes& more = {});
Markup svg_line(double x1, double y1, double x2, double y2, const Attributes& more = {});

// Series `index`'s colour, dashes ("" for a whole line) and marker.
struct Look {
  std::string style;   // CSS class: s0 ... s7
  std::string colour;  // for readers without CSS
  std::string dashes;
};
Look look_of(std::size_t index);
Markup marker(std::size_t index, double x, double y, double size = 3.5);
Markup svg_path(const std::string& data, std::size_t index, bool is_dashed = true);  // a line in the series's look

// A chart's drawing area with axes and legend. Series are drawn between begin() and figure().
class Plot {
 public:
  // `categories`: the x axis has these instead of numbers. `names`: of the series, for the legend; one that is alone
  // needs none.
  Plot(const Axis& x_axis, Scale x, const Axis& y_axis, Scale y, const std::vector<std::string>& names,
       const std::vector<std::string>& categories = {});

  Scale x, y;  // with places
  void add(const Markup& shape) { shapes_ += shape; }
  const Markup& shapes() const { return shapes_; }
  double height() const { return height_; }

 private:
  void draw_legend(const std::vector<std::string>& names);
  void draw_y(const Axis& axis);
  void draw_x(const Axis& axis);
  void draw_categories(const Axis& axis, const std::vector<std::string>& categories);

  Markup shapes_;
  double top_ = 0;
  double height_ = 0;
};

// <figure> with the drawing, its title as the caption, and the data.
Markup figure(const std::string& title, const std::string& description, double width, double height,
              const Markup& shapes, const Table& data);

}  // namespace glint::html
