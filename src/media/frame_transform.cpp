#include "glint/media/frame_transform.h"

#include <algorithm>

#include "glint/core/error.h"
#include "media/resize_passes.h"

namespace glint {

namespace {

std::int64_t round_up(std::int64_t value, std::int64_t step) {
  return (value + step - 1) / step * step;
}

// Half of an even difference; of an odd one the neighbour that is even, as Python rounds.
std::int64_t crop_offset(std::int64_t resized, std::int64_t size) {
  const auto half = (resized - size) / 2;
  return (resized - size) % 2 == 0 ? half : half + half % 2;
}

}  // namespace

// Image rows -> `columns` [C * 3, 16] of a block of 16 -> `weighed` [3 * R, 16] -> `rows` [H, 3 * R] -> `out`. Only the
// C columns and H rows that pixels inside the crop are made of are read, and only those pixels are computed.
struct FrameTransform::Impl {
  std::int64_t size;  // R
  Fit fit;
  ResizePasses passes = resize_passes().front();
  int width = 0;  // of the pictures that the tables are for
  int height = 0;
  CropBox box;  // that they are for; the whole picture with a crop after it: empty
  ResizeTaps across;
  ResizeTaps down;
  std::int64_t stride = 0;  // of `rows`
  std::vector<std::int16_t> columns;
  std::vector<std::uint8_t> weighed;
  std::vector<std::int16_t> rows;  // bytes, after the pass across
  std::vector<std::uint8_t> row;   // [stride]: one row after the pass down

  Impl(std::int64_t side, Fit the_fit) : size(side), fit(the_fit) {}

  void prepare(int new_width, int new_height, const CropBox& new_box) {
    if (width == new_width && height == new_height && box == new_box) return;
    width = new_width;
    height = new_height;
    box = new_box;
    if (box == CropBox() && fit == Fit::kSquash) {
      across = resize_taps(ResizeFilter::kBicubic, width, size, 0, size);
      down = resize_taps(ResizeFilter::kBicubic, height, size, 0, size);
    } else if (box == CropBox()) {
      const auto shorter = std::min(width, height);
      across = taps_of_side(width, shorter);
      down = taps_of_side(height, shorter);
    } else {
      across = resize_taps(ResizeFilter::kBilinear, box.width, size, 0, size);
      if (box.mirrored) across = mirrored(across);
      down = resize_taps(ResizeFilter::kBilinear, box.height, size, 0, size);
    }
    stride = round_up(3 * size, kRowStep);
    columns.resize(static_cast<std::size_t>(3 * (across.end - across.begin) * kBlockRows));
    weighed.resize(static_cast<std::size_t>(stride * kBlockRows));
    rows.resize(static_cast<std::size_t>(round_up(down.end - down.begin, kBlockRows) * stride));
    row.resize(static_cast<std::size_t>(stride));
  }

  ResizeTaps taps_of_side(std::int64_t side, std::int64_t shorter) const {
    const auto resized = size * side / shorter;  // truncated
    return resize_taps(ResizeFilter::kBicubic, side, resized, crop_offset(resized, size), size);
  }

  // The pass across, rows [y, y + kBlockRows) of those needed; past the last one that one again, which nobody reads.
  void weigh_across(const Image& image, std::int64_t y) {
    RowBlock block;
    for (std::int64_t r = 0; r < kBlockRows; ++r) {
      const auto row = box.top + std::min(down.begin + y + r, down.end - 1);
      block[r] = image.row(static_cast<int>(row)) + 3 * (box.left + across.begin);
    }
    passes.across(block, across, columns.data(), weighed.data(), rows.data() + y * stride, stride);
  }

  // The pass down for row `y` of the result.
  void weigh_down(std::int64_t y, std::uint8_t* out) {
    passes.down(rows.data() + down.first[y] * stride, stride, &down.weights[y * down.stride], down.count[y],
                row.data());
    for (int c = 0; c < 3; ++c) std::copy_n(row.data() + c * size, size, out + (c * size + y) * size);
  }

  void run(const Image& image, const CropBox& of, std::uint8_t* out) {
    GLINT_CHECK(image.width > 0 && image.height > 0, image.width, " x ", image.height);
    GLINT_CHECK(image.rgb.size() == std::size_t{3} * image.width * image.height, image.rgb.size(), " bytes");
    prepare(image.width, image.height, of);
    std::int64_t finished = 0;  // rows of the result; made as soon as their input is there, while it is in the cache
    for (std::int64_t y = 0; finished < size; y += kBlockRows) {
      weigh_across(image, y);
      const auto ready = y + kBlockRows;
      while (finished < size && down.first[finished] + down.count[finished] <= ready) weigh_down(finished++, out);
    }
  }
};

FrameTransform::FrameTransform(int size, Fit fit) : impl_(std::make_unique<Impl>(size, fit)) {
  GLINT_CHECK(size > 0, "size ", size);
}
FrameTransform::~FrameTransform() = default;
FrameTransform::FrameTransform(FrameTransform&&) noexcept = default;
FrameTransform& FrameTransform::operator=(FrameTransform&&) noexcept = default;

void FrameTransform::apply(const Image& image, std::uint8_t* out) {
  impl_->run(image, CropBox(), out);
}

void FrameTransform::apply(const Image& image, const CropBox& box, std::uint8_t* out) {
  GLINT_CHECK(box.width > 0 && box.height > 0 && box.left >= 0 && box.left <= image.width - box.width && box.top >= 0 &&
                  box.top <= image.height - box.height,
              box.width, " x ", box.height, " from (", box.left, ", ", box.top, ") of ", image.width, " x ",
              image.height);
  impl_->run(image, box, out);
}

}  // namespace glint
