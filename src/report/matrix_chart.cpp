#include <algorithm>
#include <cmath>

#include "glint/core/error.h"
#include "glint/report/chart.h"
#include "report/plot.h"

namespace glint::html {
namespace {

constexpr double kCellHeight = 30;
constexpr double kLargestOpacity = 0.6;  // the number stays readable on it

struct Range {
  double low = 0, high = 0;
};

Range range_of(const MatrixChart& chart) {
  Range range;
  bool is_first = true;
  for (const auto& row : chart.values) {
    for (const auto& value : row) {
      if (!value || !std::isfinite(*value)) continue;
      range.low = is_first ? *value : std::min(range.low, *value);
      range.high = is_first ? *value : std::max(range.high, *value);
      is_first = false;
    }
  }
  if (!chart.is_signed) return range;
  const double size = std::max(std::abs(range.low), std::abs(range.high));
  return {-size, size};
}

Markup cell_of(const MatrixChart& chart, const Range& range, const std::optional<double>& value, double x, double y,
               double width) {
  if (!value || !std::isfinite(*value))
    return svg_text(x + width / 2, y + kCellHeight / 2 + 4, value ? fixed(*value, 0) : "\xE2\x80\x93", "middle",
                    {{"fill-opacity", "0.6"}});
  double level = range.high > range.low ? (*value - range.low) / (range.high - range.low) : 0.5;
  std::size_t colour = 0;
  if (chart.is_signed) {
    level = range.high > 0 ? std::abs(*value) / range.high : 0;
    colour = *value < 0 ? 1 : 0;
  }
  const auto look = look_of(colour);
  return single("rect", {{"class", look.style + " f"},
                         {"fill", look.colour},
                         {"fill-opacity", fixed(0.05 + (kLargestOpacity - 0.05) * level, 3)},
                         {"x", place(x + 1)},
                         {"y", place(y + 1)},
                         {"width", place(width - 2)},
                         {"height", place(kCellHeight - 2)}}) +
         svg_text(x + width / 2, y + kCellHeight / 2 + 4,
                  chart.is_signed ? with_sign(*value, chart.digits) : fixed(*value, chart.digits), "middle");
}

Table matrix_data(const MatrixChart& chart) {
  Table data{chart.title, {{chart.row_label}}, {}};
  for (const auto& column : chart.columns) data.columns.push_back({column, true});
  for (std::size_t r = 0; r < chart.rows.size(); ++r) {
    std::vector<Cell> row = {Cell(chart.rows[r])};
    for (const auto& value : chart.values[r]) row.push_back(value ? number_cell(*value, chart.digits) : Cell(""));
    data.rows.push_back(std::move(row));
  }
  return data;
}

}  // namespace

Markup matrix_chart(const MatrixChart& chart) {
  GLINT_CHECK(chart.values.size() == chart.rows.size(), chart.title, ": ", chart.values.size(), " rows of values, ",
              chart.rows.size(), " names");
  for (const auto& row : chart.values)
    GLINT_CHECK(row.size() == chart.columns.size(), chart.title, ": ", row.size(), " values in a row, ",
                chart.columns.size(), " columns");
  double left = 0;
  for (const auto& name : chart.rows) left = std::max(left, text_width(shortened(name, 24)));
  left += 10;
  const double width =
      std::min(90.0, (kChartWidth - left) / static_cast<double>(std::max<std::size_t>(1, chart.columns.size())));
  const auto room = static_cast<std::size_t>(std::max(1.0, width / (0.56 * kFontSize)));
  double top = 8;
  Markup shapes;
  if (!chart.column_label.empty() || !chart.row_label.empty()) {
    const auto words = concat("rows: ", chart.row_label, "; columns: ", chart.column_label);
    shapes += svg_text(0, top + kFontSize, shortened(words, 66), "start", {{"fill-opacity", "0.75"}});
    top += kFontSize + 8;
  }
  for (std::size_t c = 0; c < chart.columns.size(); ++c)
    shapes += svg_text(left + (static_cast<double>(c) + 0.5) * width, top + kFontSize,
                       shortened(chart.columns[c], room), "middle");
  top += kFontSize + 8;
  const auto range = range_of(chart);
  for (std::size_t r = 0; r < chart.rows.size(); ++r) {
    const double y = top + kCellHeight * static_cast<double>(r);
    shapes += svg_text(0, y + kCellHeight / 2 + 4, shortened(chart.rows[r], 24), "start");
    for (std::size_t c = 0; c < chart.columns.size(); ++c)
      shapes += cell_of(chart, range, chart.values[r][c], left + static_cast<double>(c) * width, y, width);
  }
  return figure(chart.title, chart.description, kChartWidth,
                top + kCellHeight * static_cast<double>(chart.rows.size()) + 6, shapes, matrix_data(chart));
}

}  // namespace glint::html
