#include "glint/text/visible.h"

#include <unicode/uchar.h>

#include <algorithm>

#include "text/clean_caption.h"
#include "text/unicode.h"

namespace glint {
namespace {

constexpr char32_t kEmptyBraille = 0x2800;

bool is_visible(char32_t c) {
  const auto point = static_cast<UChar32>(c);
  if (c == kEmptyBraille || u_hasBinaryProperty(point, UCHAR_DEFAULT_IGNORABLE_CODE_POINT)) return false;
  if (u_isUWhiteSpace(point)) return false;
  const auto kind = u_charType(point);
  return kind != U_CONTROL_CHAR && kind != U_FORMAT_CHAR && kind != U_UNASSIGNED;
}

}  // namespace

bool is_blank(std::string_view text) {
  // Nearly every text begins with a letter; what '&' begins may stand for a blank.
  if (!text.empty() && text[0] > ' ' && text[0] < 0x7F && text[0] != '&') return false;
  const auto points = decode_utf8(repair_caption(text));
  return std::none_of(points.begin(), points.end(), is_visible);
}

}  // namespace glint
