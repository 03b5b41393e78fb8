#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "glint/core/mapped_file.h"
#include "io/torch_values.h"

namespace glint {

struct StoragePlace {
  std::uint64_t offset = 0, bytes = 0;  // in the file, which holds them all
};

// The storages of one file, each made into a tensor once, so that tied tensors share it.
class TorchStorages {
 public:
  // `place` finds a storage by its key; Error where there is none.
  using Finder = std::function<StoragePlace(const std::string& key)>;
  TorchStorages(std::shared_ptr<const MappedFile> file, Finder place)
      : file_(std::move(file)), place_(std::move(place)) {}

  // -> its numbers [count], or those of the part of it that it is. Error where the sizes do not fit.
  torch::Tensor read(const TorchStorage& storage);

 private:
  torch::Tensor whole(const TorchStorage& storage);

  std::shared_ptr<const MappedFile> file_;
  Finder place_;
  std::map<std::string, torch::Tensor> read_;
};

}  // namespace glint
