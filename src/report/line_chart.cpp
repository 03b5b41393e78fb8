#include <algorithm>
#include <map>

#include "glint/core/error.h"
#include "glint/report/chart.h"
#include "report/plot.h"

namespace glint::html {
namespace {

constexpr std::size_t kMarkersOnALine = 14;

void require_sizes(const LineChart& chart) {
  for (const auto& series : chart.series) {
    GLINT_CHECK(series.x.size() == series.y.size(), chart.title, ": ", series.name, " has ", series.x.size(), " x and ",
                series.y.size(), " y");
    GLINT_CHECK(series.low.size() == series.high.size() && (series.low.empty() || series.low.size() == series.y.size()),
                chart.title, ": the band of ", series.name, " is not as long as its line");
  }
}

// Points [begin, end) of a line's stretches between those that cannot be drawn.
std::vector<std::pair<std::size_t, std::size_t>> stretches(const Series& series, const Plot& plot) {
  std::vector<std::pair<std::size_t, std::size_t>> result;
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    if (!plot.x.takes(series.x[i]) || !plot.y.takes(series.y[i])) continue;
    if (result.empty() || result.back().second != i) result.emplace_back(i, i);
    result.back().second = i + 1;
  }
  return result;
}

std::string point(const Plot& plot, double x, double y) {
  return concat(place(plot.x.at(x)), " ", place(plot.y.at(std::clamp(y, plot.y.low, plot.y.high))));
}

void draw_band(Plot& plot, const Series& series, std::size_t index) {
  for (const auto& [begin, end] : stretches(series, plot)) {
    std::string there, back;
    for (auto i = begin; i < end; ++i) {
      if (!plot.y.takes(series.low[i]) || !plot.y.takes(series.high[i])) continue;
      there += (there.empty() ? "M" : "L") + point(plot, series.x[i], series.high[i]);
      back = "L" + point(plot, series.x[i], series.low[i]) + back;
    }
    if (there.empty()) continue;
    const auto look = look_of(index);
    plot.add(single(
        "path",
        {{"class", look.style + " f"}, {"fill", look.colour}, {"fill-opacity", "0.18"}, {"d", there + back + "Z"}}));
  }
}

void draw_line(Plot& plot, const Series& series, std::size_t index) {
  std::string data;
  std::vector<std::size_t> drawn;
  for (const auto& [begin, end] : stretches(series, plot)) {
    for (auto i = begin; i < end; ++i) {
      data += (i == begin ? "M" : "L") + point(plot, series.x[i], series.y[i]);
      drawn.push_back(i);
    }
  }
  if (drawn.empty()) return;
  plot.add(svg_path(data, index));
  if (!series.has_markers && drawn.size() > 1) return;
  const auto every = std::max<std::size_t>(1, (drawn.size() + kMarkersOnALine - 1) / kMarkersOnALine);
  for (std::size_t i = 0; i < drawn.size(); i += every)
    plot.add(marker(index, plot.x.at(series.x[drawn[i]]), plot.y.at(series.y[drawn[i]])));
}

void draw_marks(Plot& plot, const std::vector<VerticalMark>& marks) {
  for (const auto& mark : marks) {
    if (!plot.x.takes(mark.x) || mark.x < plot.x.low || mark.x > plot.x.high) continue;
    const double at = plot.x.at(mark.x);
    plot.add(svg_line(at, plot.y.begin, at, plot.y.end, {{"stroke-dasharray", "3 3"}, {"stroke-opacity", "0.7"}}));
    const bool is_right = at > (plot.x.begin + plot.x.end) / 2;
    plot.add(svg_text(at + (is_right ? -4 : 4), plot.y.end + kFontSize, shortened(mark.label, 34),
                      is_right ? "end" : "start"));
  }
}

std::string value_text(const Series& series, std::size_t i) {
  auto text = short_number(series.y[i]);
  if (!series.low.empty()) text += concat(" (", short_number(series.low[i]), " to ", short_number(series.high[i]), ")");
  return text;
}

Table data_of(const LineChart& chart) {
  Table data;
  data.caption = chart.title;
  data.columns.push_back({chart.x.label.empty() ? "x" : chart.x.label, true});
  std::map<double, std::vector<Cell>> rows;  // by x
  for (std::size_t s = 0; s < chart.series.size(); ++s) {
    const auto& series = chart.series[s];
    data.columns.push_back({series.name.empty() ? chart.y.label : series.name, true});
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      auto& row = rows[series.x[i]];
      row.resize(chart.series.size());
      row[s] = Cell(value_text(series, i), series.y[i]);
    }
  }
  for (auto& [x, cells] : rows) {
    cells.insert(cells.begin(), Cell(short_number(x), x));
    data.rows.push_back(std::move(cells));
  }
  return data;
}

}  // namespace

Markup line_chart(const LineChart& chart) {
  require_sizes(chart);
  std::vector<double> xs, ys;
  std::vector<std::string> names;
  for (const auto& series : chart.series) {
    xs.insert(xs.end(), series.x.begin(), series.x.end());
    for (const auto* values : {&series.y, &series.low, &series.high})
      ys.insert(ys.end(), values->begin(), values->end());
    names.push_back(series.name);
  }
  auto x_scale = scale_over(xs, chart.x, false);
  Plot plot(chart.x, x_scale, chart.y, scale_over(ys, chart.y, false), names);
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    if (!chart.series[i].low.empty()) draw_band(plot, chart.series[i], i);
  }
  for (std::size_t i = 0; i < chart.series.size(); ++i) draw_line(plot, chart.series[i], i);
  draw_marks(plot, chart.marks);
  return figure(chart.title, chart.description, kChartWidth, plot.height(), plot.shapes(), data_of(chart));
}

}  // namespace glint::html
