#include "glint/io/file_tensor.h"

#include <torch/torch.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "glint/core/error.h"

namespace glint {
namespace {

constexpr int64_t kRowsAThread = 4096;

}  // namespace

FileTensor::FileTensor(std::shared_ptr<const MappedFile> file, std::uint64_t offset, std::vector<int64_t> sizes,
                       torch::ScalarType type)
    : file_(std::move(file)), offset_(offset), sizes_(std::move(sizes)), type_(type) {}

torch::Tensor FileTensor::rows(int64_t first, int64_t count) const {
  GLINT_CHECK(!sizes_.empty() && first >= 0 && count >= 0 && first + count <= sizes_[0], "rows ", first, " + ", count,
              " of ", path().string());
  auto sizes = sizes_;
  sizes[0] = count;
  auto rows = torch::empty(sizes, type_);
  const auto row_bytes = static_cast<std::uint64_t>(
      std::accumulate(sizes_.begin() + 1, sizes_.end(), static_cast<int64_t>(c10::elementSize(type_)),
                      [](int64_t product, int64_t size) { return product * size; }));
  if (rows.numel() > 0)
    file_->read(offset_ + static_cast<std::uint64_t>(first) * row_bytes, rows.mutable_data_ptr(), rows.nbytes());
  return rows;
}

torch::Tensor FileTensor::columns(int64_t first, int64_t count) const {
  GLINT_CHECK(sizes_.size() == 2 && first >= 0 && count >= 0 && first + count <= sizes_[1], "columns ", first, " + ",
              count, " of ", path().string());
  auto columns = torch::empty({sizes_[0], count}, type_);
  if (columns.numel() == 0) return columns;
  auto* to = static_cast<char*>(columns.mutable_data_ptr());
  const auto bytes = c10::elementSize(type_);
  const auto piece = static_cast<std::size_t>(count) * bytes;
  at::parallel_for(0, sizes_[0], kRowsAThread, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const auto at = static_cast<std::uint64_t>(row * sizes_[1] + first) * bytes;
      file_->read(offset_ + at, to + static_cast<std::size_t>(row) * piece, piece);
    }
  });
  return columns;
}

}  // namespace glint
