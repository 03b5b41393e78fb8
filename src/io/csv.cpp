#include "glint/io/csv.h"

#include <algorithm>

#include "glint/core/error.h"
#include "glint/core/utf8.h"

namespace glint {
namespace {

constexpr std::size_t kMaxColumns = 1000;

std::string without_blanks(const std::string& text) {
  const auto first = text.find_first_not_of(" \t");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

class CsvParser {
 public:
  CsvParser(std::string_view text, const std::string& file) : text_(text), file_(file) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text_.substr(0, 3) == kByteOrderMark) text_.remove_prefix(3);
    if (text_.find('\n') == std::string_view::npos) line_end_ = '\r';  // as on the Macintosh of old
  }

  // The names of the columns; the blanks around one that is not quoted are no part of it: video, caption
  std::optional<CsvRow> header() {
    trims_ = true;
    auto names = row();
    trims_ = false;
    return names;
  }

  // The next row that is not empty; none at the end.
  std::optional<CsvRow> row() {
    while (at_line_end()) {
      if (at_ == text_.size()) return std::nullopt;
      skip_line_end();
    }
    CsvRow row{line_, {field()}};
    while (!at_line_end()) {
      ++at_;  // the comma
      row.fields.push_back(field());
    }
    skip_line_end();
    return row;
  }

  [[noreturn]] void fail(int64_t line, const std::string& what) const { throw Error(file_, ":", line, ": ", what); }

 private:
  bool at_line_end() const {
    return at_ == text_.size() || text_[at_] == line_end_ || text_.substr(at_, 2) == "\r\n" ||
           (text_[at_] == '\r' && at_ + 1 == text_.size());
  }
  void skip_line_end() {
    at_ = std::min(text_.find(line_end_, at_), text_.size() - 1) + 1;
    ++line_;
  }

  std::string field() {
    const std::size_t begin = at_;
    skip_blanks();  // before a quote they are the writer's: a, "b"
    if (at_ < text_.size() && text_[at_] == '"') return quoted_field();
    at_ = begin;
    while (!at_line_end() && text_[at_] != ',') ++at_;
    const std::string value(text_.substr(begin, at_ - begin));
    return trims_ ? without_blanks(value) : value;
  }

  std::string quoted_field() {
    const int64_t line = line_;
    std::string value;
    for (++at_;; ++at_) {
      const std::size_t quote = text_.find('"', at_);
      if (quote == std::string_view::npos) fail(line, "a quote begins here and does not end");
      value += text_.substr(at_, quote - at_);
      at_ = quote + 1;
      if (at_ == text_.size() || text_[at_] != '"') break;
      value += '"';
    }
    line_ += std::count(value.begin(), value.end(), line_end_);
    skip_blanks();
    if (!at_line_end() && text_[at_] != ',')
      fail(line_, "text follows a closing quote; a comma is missing or a quote not doubled");
    return value;
  }

  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }

  std::string_view text_;
  const std::string& file_;
  char line_end_ = '\n';
  bool trims_ = false;
  std::size_t at_ = 0;
  int64_t line_ = 1;
};

}  // namespace

std::optional<std::size_t> CsvTable::column(std::string_view name) const {
  const auto found = std::find(columns.begin(), columns.end(), name);
  if (found == columns.end()) return std::nullopt;
  return static_cast<std::size_t>(found - columns.begin());
}

CsvTable parse_csv(std::string_view text, const std::string& file) {
  CsvParser parser(text, file);
  if (const auto bad = find_bad_utf8(text)) {
    parser.fail(1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(*bad), '\n'),
                "is not UTF-8 text");
  }
  CsvTable table;
  auto header = parser.header();
  if (!header) throw Error(file, ": is empty");
  table.columns = std::move(header->fields);
  if (table.columns.size() > kMaxColumns) parser.fail(header->line, concat("has more than ", kMaxColumns, " columns"));
  for (auto name = table.columns.begin(); name != table.columns.end(); ++name) {
    if (std::find(table.columns.begin(), name, *name) != name)
      parser.fail(header->line, "column '" + *name + "' stands twice");
  }
  while (auto row = parser.row()) {
    if (row->fields.size() != table.columns.size()) {
      parser.fail(row->line, concat("has ", row->fields.size(), " fields, the header has ", table.columns.size(),
                                    " (a comma inside a field needs quotes around it)"));
    }
    table.rows.push_back(std::move(*row));
  }
  return table;
}

}  // namespace glint
