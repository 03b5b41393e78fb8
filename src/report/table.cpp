#include "glint/report/table.h"

#include "glint/core/error.h"

namespace glint::html {
namespace {

std::string class_of(const Column& column) {
  if (column.is_number) return "n";
  return column.width == Width::kWhole ? "w" : column.width == Width::kWide ? "wide" : "";
}

Attributes attributes_of(const Cell& cell, const Column& column) {
  Attributes attributes;
  if (const auto name = class_of(column); !name.empty()) attributes.emplace_back("class", name);
  if (cell.key) attributes.emplace_back("data-key", concat(*cell.key));
  return attributes;
}

Markup head_of(const Table& table) {
  Markup cells;
  for (const auto& column : table.columns) {
    Attributes attributes = {{"scope", "col"}};
    if (const auto name = class_of(column); !name.empty()) attributes.emplace_back("class", name);
    cells += element("th", attributes, column.title);
  }
  return element("thead", element("tr", cells));
}

}  // namespace

Cell number_cell(double value, int digits) {
  return {fixed(value, digits), value};
}
Cell count_cell(long long value) {
  return {with_commas(value), static_cast<double>(value)};
}

Markup table(const Table& table) {
  Markup rows;
  for (const auto& row : table.rows) {
    GLINT_CHECK(row.size() == table.columns.size(), table.caption, ": ", row.size(), " cells for ",
                table.columns.size(), " columns");
    Markup cells;
    for (std::size_t c = 0; c < row.size(); ++c) {
      auto attributes = attributes_of(row[c], table.columns[c]);
      if (c == 0) attributes.emplace_back("scope", "row");
      cells += element(c == 0 ? "th" : "td", attributes, row[c].content);
    }
    rows += element("tr", cells) + Markup::trusted("\n");
  }
  const auto content = element("caption", element("span", table.caption)) + head_of(table) + element("tbody", rows);
  return element("div", {{"class", "scroll"}, {"role", "region"}, {"aria-label", table.caption}, {"tabindex", "0"}},
                 element("table", {{"class", table.has_filter ? "sort filter" : "sort"}}, content));
}

}  // namespace glint::html
