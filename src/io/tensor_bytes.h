#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>

#include "glint/core/mapped_file.h"

namespace glint {

// Where a file keeps `count` numbers of one type, one after the other, little-endian. They lie in the file: whoever
// fills this in has checked it.
struct TensorBytes {
  std::uint64_t offset = 0;
  std::int64_t count = 0;
  torch::ScalarType type = torch::kFloat32;
};

// -> [count]: the file's own pages, which the tensor keeps open, or a copy where the offset does not suit the type.
// Error where bools are neither 0 nor 1.
torch::Tensor tensor_in_file(const std::shared_ptr<const MappedFile>& file, const TensorBytes& place);

}  // namespace glint
