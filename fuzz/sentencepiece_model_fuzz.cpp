#include <cstdint>
#include <string>

#include "glint/core/error.h"
#include "glint/text/tokenizer.h"

// Any bytes as a sentencepiece model, as a checkpoint or a file of the user's may hold them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto tokenizer = glint::sentencepiece_tokenizer(std::string(reinterpret_cast<const char*>(data), size));
    for (const auto* text : {"", "A red ball, \u00e9\u00e9 42", "two green squares stand still"}) {
      for (const auto id : tokenizer->encode(text)) {
        GLINT_CHECK(id >= 0 && id < tokenizer->start_id(), "id ", id, " of a model with ", tokenizer->start_id(),
                    " pieces");
      }
    }
  } catch (const glint::Error&) {  // refused, as it should be
  }
  return 0;
}
