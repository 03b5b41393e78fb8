#include <algorithm>

#include "glint/core/error.h"
#include "glint/report/chart.h"
#include "report/plot.h"

namespace glint::html {
namespace {

constexpr double kRowHeight = 26;

Scale row_scale(const IntervalChart& chart, double left) {
  std::vector<double> values;
  for (const auto& row : chart.rows) values.insert(values.end(), {row.value, row.low, row.high});
  if (chart.reference) values.push_back(*chart.reference);
  auto scale = scale_over(values, chart.x, false);
  scale.begin = left;
  scale.end = kChartWidth - 14;
  return scale;
}

Markup interval_row(const Scale& scale, const IntervalRow& row, double middle) {
  if (!scale.takes(row.value)) return {};
  const auto look = look_of(0);
  Markup shapes;
  if (scale.takes(row.low) && scale.takes(row.high)) {
    const Attributes style = {
        {"class", look.style + " k"}, {"stroke", look.colour}, {"stroke-width", "2"}, {"fill", "none"}};
    auto path = style;
    const auto low = place(scale.at(row.low)), high = place(scale.at(row.high));
    path.emplace_back("d", concat("M", low, " ", place(middle), "H", high, "M", low, " ", place(middle - 4), "v8M",
                                  high, " ", place(middle - 4), "v8"));
    shapes += single("path", path);
  }
  return shapes + marker(0, scale.at(row.value), middle, 4);
}

Table interval_data(const IntervalChart& chart) {
  Table data{chart.title, {{""}, {chart.x.label, true}, {"95 % interval", true}}, {}};
  for (const auto& row : chart.rows)
    data.rows.push_back({Cell(row.name), number_cell(row.value, chart.digits),
                         Cell(concat(fixed(row.low, chart.digits), " to ", fixed(row.high, chart.digits)), row.low)});
  return data;
}

}  // namespace

Markup interval_chart(const IntervalChart& chart) {
  double left = 0;
  std::vector<std::string> names;
  for (const auto& row : chart.rows) {
    names.push_back(shortened(row.name, 30));
    left = std::max(left, text_width(names.back()));
  }
  const auto scale = row_scale(chart, std::min(left, 0.45 * kChartWidth) + 12);
  const double bottom = 6 + kRowHeight * static_cast<double>(chart.rows.size());
  Markup shapes;
  for (const auto& tick : ticks_of(scale, 5)) {
    const double at = scale.at(tick.value);
    shapes +=
        svg_line(at, 4, at, bottom, {{"stroke-opacity", "0.15"}}) + svg_text(at, bottom + 16, tick.label, "middle");
  }
  if (chart.reference && scale.takes(*chart.reference))
    shapes += svg_line(scale.at(*chart.reference), 4, scale.at(*chart.reference), bottom,
                       {{"stroke-opacity", "0.7"}, {"stroke-dasharray", "3 3"}});
  for (std::size_t i = 0; i < chart.rows.size(); ++i) {
    const double middle = 6 + kRowHeight * (static_cast<double>(i) + 0.5);
    shapes += svg_text(0, middle + 4, names[i], "start") + interval_row(scale, chart.rows[i], middle);
  }
  shapes += svg_text((scale.begin + scale.end) / 2, bottom + 34, shortened(chart.x.label, 50), "middle",
                     {{"fill-opacity", "0.75"}});
  return figure(chart.title, chart.description, kChartWidth, bottom + 42, shapes, interval_data(chart));
}

}  // namespace glint::html
