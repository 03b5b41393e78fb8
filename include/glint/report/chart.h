#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "glint/report/html.h"

// Charts as inline SVG in a <figure>: a title and a description for screen readers, the data as a table in <details>,
// series told apart by Okabe and Ito's colours and by dashes and markers too. Without CSS they keep their colours.
// Numbers that are not finite are left out of the drawing and stand in the table. Every text may be anybody's.
namespace glint::html {

struct Axis {
  std::string label;                // with its unit: "R@1, %"
  bool is_log;                      // values <= 0 are then left out
  std::optional<double> low, high;  // of what is shown at least; none: the data's

  // A constructor rather than defaults: in aggregates of aggregates GCC 12 takes them for uninitialised.
  Axis(std::string words = {}, bool logarithmic = false, std::optional<double> from = {}, std::optional<double> to = {})
      : label(std::move(words)), is_log(logarithmic), low(from), high(to) {}
};

// A line through points, x ascending.
struct Series {
  std::string name = {};
  std::vector<double> x, y;
  std::vector<double> low = {}, high = {};  // a band around the line, as long as y; empty: none
  bool has_markers = true;
};

struct VerticalMark {
  double x = 0;
  std::string label = {};
};

struct LineChart {
  std::string title;
  std::string description;  // what is to be seen, in a sentence
  Axis x, y;
  std::vector<Series> series;
  std::vector<VerticalMark> marks = {};
};
Markup line_chart(const LineChart& chart);

struct BarSeries {
  std::string name = {};
  std::vector<double> values;               // a category each
  std::vector<double> low = {}, high = {};  // 95 % intervals, as long as values; empty: none
};
struct BarChart {
  std::string title, description;
  Axis y;
  std::vector<std::string> categories;
  std::vector<BarSeries> series;
  int digits = 1;  // of the numbers above the bars and in the table
};
// Bars from zero, grouped by category; also histograms.
Markup bar_chart(const BarChart& chart);

struct ScatterPoint {
  double x = 0, y = 0;
  std::string label = {};  // beside the point where there are few, and in the table
};
struct ScatterSeries {
  std::string name = {};
  std::vector<ScatterPoint> points;
};
struct ScatterChart {
  std::string title, description;
  Axis x, y;
  std::vector<ScatterSeries> series;
  std::vector<ScatterPoint> front = {};  // drawn as a stair: the best y at no more than x (pareto_front())
  std::string front_name = "Pareto front";
};
Markup scatter_chart(const ScatterChart& chart);
// The points that no other point beats in both: lower x and higher y. By x.
std::vector<ScatterPoint> pareto_front(const std::vector<ScatterSeries>& series);

struct IntervalRow {
  std::string name = {};
  double value = 0, low = 0, high = 0;
};
struct IntervalChart {
  std::string title, description;
  Axis x;
  std::vector<IntervalRow> rows;         // from above
  std::optional<double> reference = {};  // a line to compare with: 0 for differences
  int digits = 1;
};
// A point with its interval a row: differences and values of arms.
Markup interval_chart(const IntervalChart& chart);

struct MatrixChart {
  std::string title, description;
  std::string row_label, column_label;  // what rows and columns are: "trained on", "evaluated on"
  std::vector<std::string> rows, columns;
  std::vector<std::vector<std::optional<double>>> values;  // [rows][columns]; none: not measured
  int digits = 1;
  bool is_signed = false;  // above and below zero have colours of their own
};
// A heat map with the number in each cell.
Markup matrix_chart(const MatrixChart& chart);

}  // namespace glint::html
