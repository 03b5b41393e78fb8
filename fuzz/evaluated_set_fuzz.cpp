#include <string>

#include "glint/core/error.h"
#include "glint/eval/evaluated_set.h"

// Any bytes as what a file of features or scores says of its rows.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto set = glint::parse_evaluated_set({reinterpret_cast<const char*>(data), size}, "features");
    const auto again = glint::parse_evaluated_set(glint::to_json(set), "written");
    GLINT_CHECK(again.queries == set.queries && again.gallery == set.gallery, "writing changes what was read");
  } catch (const glint::Error&) {  // refused, as it should be
  }
  return 0;
}
