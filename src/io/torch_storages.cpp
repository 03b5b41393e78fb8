#include "io/torch_storages.h"

#include <torch/torch.h>

#include "glint/core/error.h"
#include "io/tensor_bytes.h"

namespace glint {

torch::Tensor TorchStorages::read(const TorchStorage& storage) {
  auto numbers = whole(storage);
  if (numbers.scalar_type() != storage.type || numbers.numel() != storage.count)
    throw Error(file_->path().string(), ": storage ", storage.key, " is described in two ways");
  if (storage.view_key.empty()) return numbers;
  const bool fits = storage.view_offset >= 0 && storage.view_count >= 0 && storage.view_offset <= numbers.numel() &&
                    storage.view_count <= numbers.numel() - storage.view_offset;
  if (!fits) throw Error(file_->path().string(), ": a part of storage ", storage.key, " lies outside it");
  return numbers.narrow(0, storage.view_offset, storage.view_count);
}

torch::Tensor TorchStorages::whole(const TorchStorage& storage) {
  const auto known = read_.find(storage.key);
  if (known != read_.end()) return known->second;
  const StoragePlace place = place_(storage.key);
  const auto bytes = static_cast<std::uint64_t>(storage.count) * c10::elementSize(storage.type);
  if (place.bytes != bytes) {
    throw Error(file_->path().string(), ": storage ", storage.key, " has ", place.bytes, " bytes, and its ",
                storage.count, " numbers need ", bytes);
  }
  auto numbers = tensor_in_file(file_, {place.offset, storage.count, storage.type});
  return read_.emplace(storage.key, std::move(numbers)).first->second;
}

}  // namespace glint
