#include "glint/media/frame_transform.h"

#include <gtest/gtest.h>

#include "glint/core/error.h"
#include "glint/core/random.h"
#include "support/literal_resize.h"

namespace glint {
namespace {

// Noise, or blocks of black and white, whose edges overshoot the range of a byte.
Image random_image(int width, int height, Random& random) {
  Image image(width, height);
  const bool hard_edges = random.chance(0.5);
  for (auto& byte : image.rgb)
    byte = hard_edges ? (random.chance(0.5) ? 255 : 0) : static_cast<std::uint8_t>(random.below(256));
  return image;
}

std::vector<std::uint8_t> transformed(FrameTransform& transform, const Image& image, int size) {
  std::vector<std::uint8_t> out(static_cast<std::size_t>(3 * size * size));
  transform.apply(image, out.data());
  return out;
}

void expect_literal(int width, int height, int size, Random& random) {
  FrameTransform transform(size);
  const auto image = random_image(width, height, random);
  EXPECT_EQ(transformed(transform, image, size), test::literal_resize_and_crop(image, size))
      << width << " x " << height << " -> " << size;
}

TEST(FrameTransformTest, EqualsTheLiteralFormulaForEverySize) {
  Random random({1});
  for (int round = 0; round < 150; ++round) {
    const int size = 1 + static_cast<int>(random.below(80));
    expect_literal(1 + static_cast<int>(random.below(200)), 1 + static_cast<int>(random.below(200)), size, random);
  }
}

TEST(FrameTransformTest, EqualsTheLiteralFormulaForShapesAtTheEdges) {
  Random random({2});
  expect_literal(320, 240, 224, random);
  expect_literal(224, 224, 224, random);  // nothing to resize
  expect_literal(231, 224, 224, random);  // crop alone, odd
  expect_literal(1, 1, 7, random);
  expect_literal(1, 300, 16, random);
  expect_literal(900, 3, 16, random);
  expect_literal(997, 613, 32, random);  // many taps
}

TEST(FrameTransformTest, AChangeOfSizeMakesNewTables) {
  Random random({3});
  FrameTransform transform(24);
  for (const auto& [width, height] : {std::pair{40, 30}, {30, 40}, {40, 30}, {64, 31}}) {
    const auto image = random_image(width, height, random);
    EXPECT_EQ(transformed(transform, image, 24), test::literal_resize_and_crop(image, 24));
  }
}

TEST(FrameTransformTest, AnImageThatContradictsItselfIsABug) {
  FrameTransform transform(8);
  std::vector<std::uint8_t> out(3 * 8 * 8);
  EXPECT_THROW(transform.apply(Image(), out.data()), Bug);
  Image cut(4, 4);
  cut.rgb.pop_back();
  EXPECT_THROW(transform.apply(cut, out.data()), Bug);
  EXPECT_THROW(FrameTransform(0), Bug);
}

}  // namespace
}  // namespace glint
