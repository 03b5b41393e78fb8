#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "glint/report/html.h"

namespace glint::html {

struct Cell {
  Markup content;
  std::optional<double> key;  // what sorting goes by; else the text that is seen

  template <class Text>
  requires std::is_convertible_v<Text, Markup> Cell(Text&& text) : content(std::forward<Text>(text)) {}
  Cell(Markup shown, double by) : content(std::move(shown)), key(by) {}
  Cell() = default;
};
// A number as it is shown, sorted by its value.
Cell number_cell(double value, int digits);
Cell count_cell(long long value);

enum class Width {
  kAny,
  kWhole,  // never broken into lines: names, ranges
  kWide    // sentences: room for some words a line
};

struct Column {
  std::string title;
  bool is_number = false;  // stands at the right
  Width width = Width::kAny;
};

// A table that the page's script lets people sort by a click on a heading and, where it has a filter, narrow by words.
struct Table {
  std::string caption = {};  // what the table tells; also its name for screen readers
  std::vector<Column> columns = {};
  std::vector<std::vector<Cell>> rows = {};  // the first cell of a row is its heading
  bool has_filter = false;
};

// Within a box that scrolls sideways where the page is narrow. Bug where a row has more or fewer cells than columns.
Markup table(const Table& table);

}  // namespace glint::html
