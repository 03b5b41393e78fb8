#include "glint/media/frame_transform.h"

#include <gtest/gtest.h>

#include "glint/core/error.h"
#include "glint/core/hash.h"
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

TEST(FrameTransformTest, SquashingEqualsTheLiteralFormulaForEveryShape) {
  Random random({7});
  for (const auto& [width, height] : {std::pair{40, 30}, {30, 41}, {64, 64}, {1, 90}, {250, 7}, {24, 24}}) {
    FrameTransform transform(24, Fit::kSquash);
    const auto image = random_image(width, height, random);
    EXPECT_EQ(transformed(transform, image, 24), test::literal_squash(image, 24)) << width << " x " << height;
  }
}

TEST(FrameTransformTest, AChangeOfSizeMakesNewTables) {
  Random random({3});
  FrameTransform transform(24);
  for (const auto& [width, height] : {std::pair{40, 30}, {30, 40}, {40, 30}, {64, 31}}) {
    const auto image = random_image(width, height, random);
    EXPECT_EQ(transformed(transform, image, 24), test::literal_resize_and_crop(image, 24));
  }
}

CropBox random_box(const Image& image, Random& random) {
  const auto below = [&](int n) { return static_cast<int>(random.below(static_cast<std::uint64_t>(n))); };
  CropBox box;
  box.width = 1 + below(image.width);
  box.height = 1 + below(image.height);
  box.left = below(image.width - box.width + 1);
  box.top = below(image.height - box.height + 1);
  box.mirrored = random.chance(0.5);
  return box;
}

TEST(FrameTransformTest, ABoxEqualsTheLiteralFormulaBetweenWholePictures) {
  Random random({4});
  FrameTransform transform(24);
  for (int round = 0; round < 80; ++round) {
    const int width = 1 + static_cast<int>(random.below(90)), height = 1 + static_cast<int>(random.below(90));
    const auto image = random_image(width, height, random);
    const auto box = random_box(image, random);
    std::vector<std::uint8_t> out(3 * 24 * 24);
    transform.apply(image, box, out.data());
    EXPECT_EQ(out, test::literal_resized_box(image, box, 24)) << width << " x " << height;
    EXPECT_EQ(transformed(transform, image, 24), test::literal_resize_and_crop(image, 24));
  }
}

TEST(FrameTransformTest, ABoxIsPillowsCropResizeAndMirror) {
  Image image(53, 41);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < 3 * image.width; ++x) {
      image.row(y)[x] = static_cast<std::uint8_t>(7 * (x / 3) * (y + 1) + 31 * y + 90 * (x % 3));
    }
  }
  // Pillow 13.0.0: crop, resize(BILINEAR), transpose(FLIP_LEFT_RIGHT); SHA-256 of the planes R, G, B.
  const auto sha_of = [&](const CropBox& box, int size) {
    std::string planes(static_cast<std::size_t>(3 * size * size), 0);
    FrameTransform(size).apply(image, box, reinterpret_cast<std::uint8_t*>(planes.data()));
    return sha256(planes);
  };
  EXPECT_EQ(sha_of({4, 7, 40, 31, false}, 24), "799e814b4a192f58c841b7a8fb2ffa777c10ecb592564a8beca51dcb653fdda5");
  EXPECT_EQ(sha_of({0, 0, 53, 41, true}, 32), "7011eda78ab20e74574faa389f192c679444713fb6bbdafff4f943587cfe1cac");
  EXPECT_EQ(sha_of({20, 3, 9, 12, true}, 40), "ebeee3588104b35161b6cd7d723ac89b883903a003079b92a89bb3226d6cb7ce");
}

TEST(FrameTransformTest, ABoxOutsideThePictureIsABug) {
  FrameTransform transform(8);
  std::vector<std::uint8_t> out(3 * 8 * 8);
  const Image image(10, 9);
  for (const auto& box : {CropBox{0, 0, 0, 5}, {0, 0, 5, 0}, {-1, 0, 5, 5}, {0, 5, 5, 5}, {6, 0, 5, 5}}) {
    EXPECT_THROW(transform.apply(image, box, out.data()), Bug);
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
