#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace glint {

struct CsvRow {
  int64_t line = 0;                 // where it begins; 1 is the first
  std::vector<std::string> fields;  // as many as the table has columns
};

struct CsvTable {
  std::vector<std::string> columns;  // from the first row
  std::vector<CsvRow> rows;
  std::optional<std::size_t> column(std::string_view name) const;
};

// Reads comma-separated values (RFC 4180): fields in double quotes may hold commas, line ends and doubled quotes; lines
// end with LF or CRLF (or CR, where there is no LF); empty lines are passed over, and so are a byte order mark and the
// blanks around quotes and names of columns. `file` is for the messages: Error
// ("FILE:LINE: ...") for text that is not UTF-8, a quote that does not close, and rows longer or shorter than the
// first.
CsvTable parse_csv(std::string_view text, const std::string& file);

}  // namespace glint
