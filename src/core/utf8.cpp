#include "glint/core/utf8.h"

#include <algorithm>

#include "glint/core/error.h"

namespace glint {
namespace {

// Bytes of the character that starts at `text`, 0 where none does.
std::size_t character_size(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xED && byte(1) > 0x9F;
  const bool past_the_end = lead == 0xF4 && byte(1) > 0x8F;
  return overlong || surrogate || past_the_end ? 0 : size;
}

}  // namespace

std::optional<std::size_t> find_bad_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = character_size(text.substr(at));
    if (size == 0) return at;
    at += size;
  }
  return std::nullopt;
}

std::string valid_utf8(std::string bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const auto bad = find_bad_utf8(std::string_view(bytes).substr(at));
    if (!bad) break;
    at += *bad;
    bytes[at++] = '?';
  }
  return bytes;
}

void require_utf8(std::string_view text, const std::string& where) {
  const auto bad = find_bad_utf8(text);
  if (!bad) return;
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(text[*bad]);
  const auto begin = *bad - std::min<std::size_t>(*bad, 20);
  const auto before = valid_utf8(std::string(text.substr(begin, *bad - begin)));
  throw BadFile(where, ": is not UTF-8 text: byte 0x", kDigits[byte >> 4], kDigits[byte & 15],
                before.empty() ? " at its beginning" : concat(" after '", before, "'"), "; write it as UTF-8");
}

}  // namespace glint
