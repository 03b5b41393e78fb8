#include <algorithm>
#include <cmath>

#include "glint/core/error.h"
#include "glint/report/chart.h"
#include "report/plot.h"

namespace glint::html {
namespace {

constexpr std::size_t kLabelledPoints = 24;  // more would cover one another

// A label beside its point where no other label or point stands: above, below, right, left.
class LabelPlaces {
 public:
  Markup label(const Plot& plot, double x, double y, const std::string& text) {
    const auto words = shortened(text, 26);
    const double width = text_width(words);
    const struct {
      double x, y;
      const char* anchor;
      double left;
    } places[] = {{x, y - 8, "middle", x - width / 2}, {x, y + 18, "middle", x - width / 2},
                  {x + 7, y + 4, "start", x + 7},      {x - 7, y + 4, "end", x - 7 - width},
                  {x + 7, y - 6, "start", x + 7},      {x - 7, y - 6, "end", x - 7 - width}};
    for (const auto& at : places) {
      const Box box{at.left, at.y - kFontSize, at.left + width, at.y + 2};
      if (box.left < plot.x.begin - 2 || box.right > kChartWidth || box.top < plot.y.end - 14 ||
          box.bottom > plot.y.begin)
        continue;
      if (std::any_of(taken_.begin(), taken_.end(), [&](const Box& other) { return box.overlaps(other); })) continue;
      taken_.push_back(box);
      return svg_text(at.x, at.y, words, at.anchor, {{"class", "label"}});
    }
    return {};
  }

  void keep_free(double x, double y) { taken_.push_back({x - 6, y - 6, x + 6, y + 6}); }

 private:
  struct Box {
    double left, top, right, bottom;
    bool overlaps(const Box& b) const { return left < b.right && b.left < right && top < b.bottom && b.top < bottom; }
  };
  std::vector<Box> taken_;
};

void draw_front(Plot& plot, const std::vector<ScatterPoint>& front) {
  std::string data;
  for (const auto& p : front) {
    if (!plot.x.takes(p.x) || !plot.y.takes(p.y)) continue;
    const auto x = place(plot.x.at(p.x)), y = place(plot.y.at(p.y));
    data += data.empty() ? concat("M", x, " ", y) : concat("H", x, "V", y);
  }
  if (data.empty()) return;
  data += "H" + place(plot.x.end);
  plot.add(single("path", {{"d", data},
                           {"fill", "none"},
                           {"stroke", "currentColor"},
                           {"stroke-opacity", "0.6"},
                           {"stroke-width", "1.5"},
                           {"stroke-dasharray", "5 3"}}));
}

bool is_on(const std::vector<ScatterPoint>& front, const ScatterPoint& p) {
  return std::any_of(front.begin(), front.end(), [&](const auto& f) { return f.x == p.x && f.y == p.y; });
}

Table scatter_data(const ScatterChart& chart) {
  Table data{chart.title, {{"series"}, {"point"}, {chart.x.label, true}, {chart.y.label, true}}, {}};
  if (!chart.front.empty()) data.columns.push_back({"on the " + chart.front_name});
  for (const auto& series : chart.series) {
    for (const auto& p : series.points) {
      data.rows.push_back(
          {Cell(series.name), Cell(p.label), Cell(short_number(p.x), p.x), Cell(short_number(p.y), p.y)});
      if (!chart.front.empty()) data.rows.back().emplace_back(is_on(chart.front, p) ? "yes" : "");
    }
  }
  return data;
}

}  // namespace

std::vector<ScatterPoint> pareto_front(const std::vector<ScatterSeries>& series) {
  std::vector<ScatterPoint> points;
  for (const auto& one : series) {
    for (const auto& p : one.points) {
      if (std::isfinite(p.x) && std::isfinite(p.y)) points.push_back(p);
    }
  }
  std::stable_sort(points.begin(), points.end(),
                   [](const auto& a, const auto& b) { return a.x != b.x ? a.x < b.x : a.y > b.y; });
  std::vector<ScatterPoint> front;
  for (const auto& p : points) {
    if (front.empty() || p.y > front.back().y) front.push_back(p);
  }
  return front;
}

Markup scatter_chart(const ScatterChart& chart) {
  std::vector<double> xs, ys;
  std::vector<std::string> names;
  std::size_t count = 0;
  for (const auto& series : chart.series) {
    for (const auto& p : series.points) xs.push_back(p.x), ys.push_back(p.y);
    count += series.points.size();
    names.push_back(series.name);
  }
  const auto wider = [](Scale scale) {  // points stand clear of the frame
    if (scale.is_log) scale.low /= 1.15, scale.high *= 1.15;
    return scale;
  };
  Plot plot(chart.x, wider(scale_over(xs, chart.x, false)), chart.y, wider(scale_over(ys, chart.y, false)), names);
  draw_front(plot, chart.front);
  LabelPlaces labels;
  Markup texts;  // on top of all points
  const auto for_each_point = [&](auto&& use) {
    for (std::size_t s = 0; s < chart.series.size(); ++s) {
      for (const auto& p : chart.series[s].points) {
        if (plot.x.takes(p.x) && plot.y.takes(p.y)) use(s, p, plot.x.at(p.x), plot.y.at(p.y));
      }
    }
  };
  for_each_point([&](std::size_t s, const ScatterPoint&, double x, double y) {
    plot.add(marker(s, x, y, 4.5));
    labels.keep_free(x, y);
  });
  for_each_point([&](std::size_t, const ScatterPoint& p, double x, double y) {
    if (!p.label.empty() && count <= kLabelledPoints) texts += labels.label(plot, x, y, p.label);
  });
  plot.add(texts);
  return figure(chart.title, chart.description, kChartWidth, plot.height(), plot.shapes(), scatter_data(chart));
}

}  // namespace glint::html
