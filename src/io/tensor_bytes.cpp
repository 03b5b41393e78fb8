#include "io/tensor_bytes.h"

#include <torch/torch.h>

#include <algorithm>

#include "glint/core/error.h"

namespace glint {
namespace {

// A bool of another value is undefined behaviour for whoever reads it.
void check_bools(const MappedFile& file, const TensorBytes& place) {
  const auto* bytes = file.data() + place.offset;
  const auto* bad = std::find_if(bytes, bytes + place.count, [](std::byte byte) { return byte > std::byte{1}; });
  if (bad != bytes + place.count)
    throw Error(file.path().string(), ": byte ", bad - file.data(), ": a bool is neither 0 nor 1");
}

}  // namespace

torch::Tensor tensor_in_file(const std::shared_ptr<const MappedFile>& file, const TensorBytes& place) {
  const auto options = torch::TensorOptions().dtype(place.type);
  const std::uint64_t item_bytes = c10::elementSize(place.type);
  if (place.count == 0) return torch::empty({0}, options);
  const std::uint64_t bytes = static_cast<std::uint64_t>(place.count) * item_bytes;
  GLINT_CHECK(place.offset <= file->size() && bytes <= file->size() - place.offset, "byte ", place.offset);
  if (place.type == torch::kBool) check_bools(*file, place);
  if (place.offset % item_bytes == 0)
    return torch::from_blob(
        file->data() + place.offset, {place.count}, [file](void*) {}, options);
  auto copy = torch::empty({place.count}, options);
  file->read(place.offset, copy.data_ptr(), bytes);
  return copy;
}

}  // namespace glint
