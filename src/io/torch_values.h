#pragma once

#include <torch/types.h>

#include <functional>
#include <string>

#include "glint/io/pickle.h"
#include "glint/io/torch_file.h"

namespace glint {

// A storage as a pickle names it.
struct TorchStorage {
  std::string key;
  torch::ScalarType type = torch::kFloat32;
  std::int64_t count = 0;  // numbers
  // The legacy format's storages may be a part of another one.
  std::string view_key;  // empty where it is none
  std::int64_t view_offset = 0, view_count = 0;
};

// `object`: a record of kind kPersistent. Error where it describes no storage, or one of a type that is not read.
TorchStorage torch_storage(const PickleObject& object, const std::string& file);

// -> the storage's numbers [count]. Error where the file holds no such storage.
using StorageReader = std::function<torch::Tensor(const TorchStorage&)>;

// Gives every value of a pickle its name. `file` is for the messages.
void name_values(const PickleValue& value, const StorageReader& storages, const std::string& file, TorchFile& named);

}  // namespace glint
