#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "glint/core/mapped_file.h"

namespace glint {

// A tensor that stays in its file: rows are read when they are asked for, so it may be larger than memory. Copies share
// the open file. Threads may read at once.
class FileTensor {
 public:
  // `offset`: of the first value in the file, row-major and little-endian. Whoever makes one has checked that they are
  // there.
  FileTensor(std::shared_ptr<const MappedFile> file, std::uint64_t offset, std::vector<int64_t> sizes,
             torch::ScalarType type);

  const std::filesystem::path& path() const { return file_->path(); }
  const std::vector<int64_t>& sizes() const { return sizes_; }
  int64_t size(std::size_t dim) const { return sizes_.at(dim); }
  torch::ScalarType type() const { return type_; }

  // Rows [first, first + count) of dimension 0. Error where the file has been cut short.
  torch::Tensor rows(int64_t first, int64_t count) const;
  torch::Tensor all() const { return rows(0, sizes_.at(0)); }
  // Of a matrix [N, M], columns [first, first + count) -> [N, count]
  torch::Tensor columns(int64_t first, int64_t count) const;

 private:
  std::shared_ptr<const MappedFile> file_;
  std::uint64_t offset_;
  std::vector<int64_t> sizes_;
  torch::ScalarType type_;
};

struct OpenTensorFile {
  std::map<std::string, FileTensor> tensors;
  std::map<std::string, std::string> metadata;  // of a safetensors file
};

// A safetensors file; the same Errors as read_safetensors().
OpenTensorFile open_safetensors(const std::filesystem::path& path);

// A NumPy file (.npy, versions 1 to 3) of floats or integers in C order. Error naming the file and what is wrong with
// it: cut short, Fortran order, another type, big-endian.
FileTensor open_npy(const std::filesystem::path& path);

}  // namespace glint
