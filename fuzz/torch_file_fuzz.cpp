#include <torch/torch.h>

#include "fuzz/scratch_file.h"
#include "glint/core/error.h"
#include "glint/io/torch_file.h"

// Any bytes as a file of PyTorch's; every number of its tensors is looked at. The seeds' archives keep no checksums, so
// that changes of their pickles get as far as the pickle machine.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static glint::fuzz::ScratchFile scratch(".pt");
  try {
    const auto file = glint::read_torch_file(scratch.holding(data, size));
    for (const auto& [name, tensor] : file.tensors) {
      GLINT_CHECK(tensor.storage().nbytes() <= size, name, ": a storage of ", tensor.storage().nbytes(), " bytes");
      GLINT_CHECK(tensor.numel() <= 1 << 25, name, ": ", tensor.sizes());
      if (tensor.numel() > 0) tensor.max();
    }
  } catch (const glint::Error&) {  // refused, as it should be
  }
  return 0;
}
