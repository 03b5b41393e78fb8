#include <algorithm>
#include <cmath>

#include "glint/core/error.h"
#include "glint/report/chart.h"
#include "report/plot.h"

namespace glint::html {
namespace {

void require_bars(const BarChart& chart) {
  for (const auto& series : chart.series) {
    const auto count = chart.categories.size();
    GLINT_CHECK(series.values.size() == count, chart.title, ": ", series.name, " has ", series.values.size(),
                " values for ", count, " categories");
    GLINT_CHECK(series.low.size() == series.high.size() && (series.low.empty() || series.low.size() == count),
                chart.title, ": the intervals of ", series.name, " are not as many as its values");
  }
}

void draw_bar(Plot& plot, const BarChart& chart, std::size_t category, std::size_t s) {
  const auto& series = chart.series[s];
  const double value = series.values[category];
  if (!plot.y.takes(value)) return;
  const double group = (plot.x.end - plot.x.begin) / static_cast<double>(chart.categories.size());
  const double width = std::min(60.0, 0.8 * group / static_cast<double>(chart.series.size()));
  const double left = plot.x.begin + (static_cast<double>(category) + 0.5) * group +
                      (static_cast<double>(s) - 0.5 * static_cast<double>(chart.series.size())) * width;
  const double zero = plot.y.at(std::clamp(0.0, plot.y.low, plot.y.high)), end = plot.y.at(value);
  const auto look = look_of(s);
  plot.add(single("rect", {{"class", look.style + " f"},
                           {"fill", look.colour},
                           {"x", place(left + 0.06 * width)},
                           {"y", place(std::min(zero, end))},
                           {"width", place(0.88 * width)},
                           {"height", place(std::abs(zero - end))}}));
  double above = std::min(zero, end);
  const double middle = left + width / 2;
  if (!series.low.empty() && plot.y.takes(series.low[category]) && plot.y.takes(series.high[category])) {
    const double low = plot.y.at(series.low[category]), high = plot.y.at(series.high[category]);
    plot.add(svg_line(middle, low, middle, high, {{"stroke-width", "1.5"}}));
    for (const double at : {low, high}) plot.add(svg_line(middle - 4, at, middle + 4, at, {{"stroke-width", "1.5"}}));
    above = std::min(above, high);
  }
  const auto text = fixed(value, chart.digits);
  if (text_width(text) <= width) plot.add(svg_text(middle, above - 4, text, "middle"));
}

Table bar_data(const BarChart& chart) {
  Table data{chart.title, {{"", false}}, {}};
  for (const auto& series : chart.series)
    data.columns.push_back({series.name.empty() ? chart.y.label : series.name, true});
  for (std::size_t c = 0; c < chart.categories.size(); ++c) {
    std::vector<Cell> row = {Cell(chart.categories[c])};
    for (const auto& series : chart.series) {
      auto text = fixed(series.values[c], chart.digits);
      if (!series.low.empty())
        text += concat(" (", fixed(series.low[c], chart.digits), " to ", fixed(series.high[c], chart.digits), ")");
      row.emplace_back(text, series.values[c]);
    }
    data.rows.push_back(std::move(row));
  }
  return data;
}

}  // namespace

Markup bar_chart(const BarChart& chart) {
  require_bars(chart);
  std::vector<double> values;
  std::vector<std::string> names;
  for (const auto& series : chart.series) {
    for (const auto* some : {&series.values, &series.low, &series.high})
      values.insert(values.end(), some->begin(), some->end());
    names.push_back(series.name);
  }
  auto y = scale_over(values, chart.y, true);
  if (y.high > 0) y.high += 0.06 * (y.high - y.low);  // room for the numbers
  Plot plot({}, {}, chart.y, y, names, chart.categories);
  for (std::size_t c = 0; c < chart.categories.size(); ++c) {
    for (std::size_t s = 0; s < chart.series.size(); ++s) draw_bar(plot, chart, c, s);
  }
  return figure(chart.title, chart.description, kChartWidth, plot.height(), plot.shapes(), bar_data(chart));
}

}  // namespace glint::html
