#pragma once

#include <torch/types.h>

#include <array>
#include <string_view>

namespace glint {

// The names of storages in PyTorch's pickles.
struct StorageClass {
  std::string_view name;  // in the module torch
  torch::ScalarType type;
};
constexpr std::array<StorageClass, 10> kStorageClasses = {{
    {"FloatStorage", torch::kFloat32},
    {"DoubleStorage", torch::kFloat64},
    {"HalfStorage", torch::kFloat16},
    {"BFloat16Storage", torch::kBFloat16},
    {"LongStorage", torch::kInt64},
    {"IntStorage", torch::kInt32},
    {"ShortStorage", torch::kInt16},
    {"CharStorage", torch::kInt8},
    {"ByteStorage", torch::kUInt8},
    {"BoolStorage", torch::kBool},
}};

}  // namespace glint
