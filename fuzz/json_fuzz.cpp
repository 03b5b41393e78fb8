#include <nlohmann/json.hpp>

#include "glint/core/error.h"
#include "glint/core/json.h"
#include "glint/core/utf8.h"

// Any bytes as JSON: what is read is written and read back to the same value, and what is refused is one sentence.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto value = glint::parse_json(text, "a.json");
    GLINT_CHECK(glint::parse_json(glint::json_text(value), "again") == value, "another value comes back");
    GLINT_CHECK(!glint::find_bad_utf8(glint::short_json(value)), "a short form that is not UTF-8");
  } catch (const glint::BadFile& error) {
    const std::string sentence = error.what();
    GLINT_CHECK(sentence.starts_with("a.json") && sentence.size() < 1000, "a sentence of ", sentence.size(), " bytes");
    GLINT_CHECK(!glint::find_bad_utf8(sentence) && sentence.find('\n') == sentence.npos, "a sentence that is no line");
  }
  return 0;
}
