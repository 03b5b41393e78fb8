#include "glint/text/name_index.h"

#include <unicode/normalizer2.h>
#include <unicode/unistr.h>

#include <algorithm>

#include "glint/core/error.h"
#include "glint/core/utf8.h"
#include "text/unicode.h"

namespace glint {
namespace {

bool is_ascii_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

std::string normal_form(std::string_view text) {
  if (is_ascii_text(text) || find_bad_utf8(text)) return std::string(text);
  UErrorCode status = U_ZERO_ERROR;
  const auto* normalizer = icu::Normalizer2::getNFCInstance(status);
  GLINT_CHECK(U_SUCCESS(status), "ICU has no NFC: ", u_errorName(status));
  const auto composed = normalizer->normalize(to_icu(decode_utf8(text)), status);
  GLINT_CHECK(U_SUCCESS(status), u_errorName(status));
  return encode_utf8(composed);
}

NameIndex::NameIndex(const std::vector<std::string>& names) {
  for (const auto& name : names) add(name);
}

bool NameIndex::add(const std::string& name) {
  const auto place = names_.size();
  if (!places_.try_emplace(name, place).second) return false;
  names_.push_back(name);
  if (!is_ascii_text(name)) forms_[normal_form(name)].push_back(place);
  return true;
}

std::optional<std::size_t> NameIndex::find(std::string_view name) const {
  if (const auto found = places_.find(std::string(name)); found != places_.end()) return found->second;
  if (is_ascii_text(name)) return std::nullopt;
  const auto alike = forms_.find(normal_form(name));
  if (alike == forms_.end()) return std::nullopt;
  if (alike->second.size() > 1) {
    const auto& first = names_[alike->second[0]];
    const auto& second = names_[alike->second[1]];
    throw Error("'", name, "' may be '", first, "' or '", second, "' (", first.size(), " and ", second.size(),
                " bytes), which differ in their Unicode form alone; rename one of them");
  }
  return alike->second[0];
}

}  // namespace glint
