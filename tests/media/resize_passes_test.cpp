#include "media/resize_passes.h"

#include <gtest/gtest.h>

#include "glint/core/random.h"

namespace glint {
namespace {

struct Result {
  std::vector<std::int16_t> rows;
  std::vector<std::uint8_t> row;
};

Result run(const ResizePasses& passes, const ResizeTaps& taps, const std::vector<std::uint8_t>& picture,
           std::int64_t width) {
  const auto size = std::ssize(taps.first);
  const auto stride = (3 * size + kRowStep - 1) / kRowStep * kRowStep;
  RowBlock block;
  for (std::int64_t r = 0; r < kBlockRows; ++r) block[r] = picture.data() + 3 * (r * width + taps.begin);
  std::vector<std::int16_t> columns(3 * (taps.end - taps.begin) * kBlockRows);
  std::vector<std::uint8_t> weighed(stride * kBlockRows);
  Result result = {std::vector<std::int16_t>(kBlockRows * stride), std::vector<std::uint8_t>(stride)};
  passes.across(block, taps, columns.data(), weighed.data(), result.rows.data(), stride);
  passes.down(result.rows.data(), stride, taps.weights.data(), std::min(taps.count[0], kBlockRows), result.row.data());
  return result;
}

TEST(ResizePassesTest, EveryKindOfCpuGivesTheSameBytes) {
  Random random({11});
  for (int round = 0; round < 60; ++round) {
    const auto width = 1 + static_cast<std::int64_t>(random.below(150));
    const auto size = 1 + static_cast<std::int64_t>(random.below(90));
    const auto taps = resize_taps(ResizeFilter::kBicubic, width, size + 10, 3, size);
    std::vector<std::uint8_t> picture(static_cast<std::size_t>(3 * width * kBlockRows));
    for (auto& byte : picture) byte = static_cast<std::uint8_t>(random.below(256));
    const auto kinds = resize_passes();
    const auto expected = run(kinds.back(), taps, picture, width);
    for (const auto& passes : kinds) {
      const auto result = run(passes, taps, picture, width);
      EXPECT_EQ(result.rows, expected.rows) << passes.cpu;
      EXPECT_EQ(result.row, expected.row) << passes.cpu;
    }
  }
}

}  // namespace
}  // namespace glint
