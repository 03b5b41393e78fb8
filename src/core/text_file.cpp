#include "glint/core/text_file.h"

#include <algorithm>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/file_kind.h"
#include "glint/core/gzip.h"
#include "glint/core/utf8.h"

namespace glint {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string unpacked(std::string bytes, const std::filesystem::path& path, std::size_t limit_bytes) {
  if (bytes.starts_with("\x1F\x8B")) bytes = gunzip(bytes, path, limit_bytes);
  if (bytes.starts_with(kByteOrderMark)) bytes.erase(0, kByteOrderMark.size());
  return bytes;
}

}  // namespace

std::string read_unpacked(const std::filesystem::path& path, std::size_t limit_bytes) {
  return unpacked(read_file(path, limit_bytes), path, limit_bytes);
}

void require_text(std::string_view text, const std::string& file) {
  if (const auto kind = kind_that_is_no_text(text)) throw BadFile(file, ": ", *kind);
  const auto bad = find_bad_utf8(text);
  if (!bad) return;
  const auto before = text.substr(0, *bad);
  const auto begin = before.rfind('\n') + 1;  // npos + 1 is 0
  const auto line = text.substr(begin, text.find('\n', *bad) - begin);
  require_utf8(line, concat(file, ":", 1 + std::count(before.begin(), before.end(), '\n')));
}

std::string read_text(const std::filesystem::path& path, std::size_t limit_bytes) {
  auto text = read_unpacked(path, limit_bytes);
  require_text(text, path.string());
  return text;
}

void for_each_line(std::string_view text, const std::function<void(std::string_view, int64_t)>& take) {
  const char end_of_line = text.find('\n') == std::string_view::npos ? '\r' : '\n';
  for (int64_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find(end_of_line), text.size());
    auto line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    take(line, number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace glint
