#include <cstdint>
#include <optional>
#include <string_view>

#include "glint/core/error.h"
#include "glint/eval/signature.h"

// Any bytes as an evaluation signature. What is read must be written and read again to the same fields.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::optional<glint::EvaluationSignature> signature;
  try {
    signature = glint::parse_signature({reinterpret_cast<const char*>(data), size}, "fuzz");
  } catch (const glint::Error&) {  // refused, as it should be
    return 0;
  }
  const auto line = glint::to_text(*signature);
  GLINT_CHECK(glint::parse_signature(line, "fuzz") == *signature, "'", line, "' changed on the way through its line");
  return 0;
}
