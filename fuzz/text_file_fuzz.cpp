#include "fuzz/scratch_file.h"
#include "glint/core/error.h"
#include "glint/core/file_kind.h"
#include "glint/core/text_file.h"
#include "glint/core/utf8.h"
#include "glint/text/name_index.h"
#include "glint/text/visible.h"

// Any bytes as a text file, packed or not; its lines as names and captions.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static glint::fuzz::ScratchFile file(".txt");
  const auto& path = file.holding(data, size);
  if (const auto kind = glint::kind_of_file(path)) {
    GLINT_CHECK(!glint::find_bad_utf8(*kind), "a sentence that is not UTF-8");
  }
  constexpr std::size_t kLimit = 1 << 20;
  try {
    const auto text = glint::read_text(path, kLimit);
    GLINT_CHECK(text.size() <= kLimit && !glint::find_bad_utf8(text), "a text that is none");
    glint::NameIndex names;
    glint::for_each_line(text, [&](std::string_view line, std::int64_t) {
      const auto form = glint::normal_form(line);
      GLINT_CHECK(glint::normal_form(form) == form, "a normal form has another one");
      names.add(std::string(line));
      GLINT_CHECK(names.find(line).has_value(), "a name is not found as it is written");
      (void)glint::is_blank(line);
    });
  } catch (const glint::Error&) {  // refused, as it should be
  }
  return 0;
}
