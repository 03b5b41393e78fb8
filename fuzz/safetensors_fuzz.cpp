#include <torch/types.h>

#include "fuzz/scratch_file.h"
#include "glint/core/error.h"
#include "glint/io/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static glint::fuzz::ScratchFile scratch(".safetensors");
  try {
    std::size_t bytes = 0;
    for (const auto& [name, tensor] : glint::read_safetensors(scratch.holding(data, size)).tensors)
      bytes += tensor.nbytes();
    GLINT_CHECK(bytes <= size, "tensors of ", bytes, " bytes from a file of ", size);
  } catch (const glint::Error&) {  // refused, as it should be
  }
  return 0;
}
