#pragma once

#include <memory>

#include "glint/core/mapped_file.h"
#include "glint/io/torch_file.h"

namespace glint {

// PyTorch's format before 1.6: five pickles (a magic number, the format's version, the system, the object, the keys of
// its storages), then the storages, each its count and its numbers.
bool is_torch_legacy(const MappedFile& file);
TorchFile read_torch_legacy(const std::shared_ptr<const MappedFile>& file);

}  // namespace glint
