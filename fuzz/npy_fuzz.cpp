#include <torch/types.h>

#include "fuzz/scratch_file.h"
#include "glint/core/error.h"
#include "glint/io/file_tensor.h"

// Any bytes as NumPy's file of an array.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static glint::fuzz::ScratchFile scratch(".npy");
  try {
    const auto file = glint::open_npy(scratch.holding(data, size));
    if (file.sizes().empty()) return 0;
    const auto values = file.all();
    GLINT_CHECK(values.nbytes() <= size, "values of ", values.nbytes(), " bytes from a file of ", size);
  } catch (const glint::Error&) {  // refused, as it should be
  }
  return 0;
}
