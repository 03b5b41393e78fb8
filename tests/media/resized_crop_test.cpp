#include "glint/media/resized_crop.h"

#include <gtest/gtest.h>

namespace glint {
namespace {

TEST(ResizedCropTest, BoxesLieInsideWithTheAreaAndShapeAskedFor) {
  Random random({1});
  double area = 0;
  int mirrored = 0;
  constexpr int kDraws = 5000;
  for (int i = 0; i < kDraws; ++i) {
    const auto box = draw_resized_crop(random, 320, 240);
    EXPECT_TRUE(box.left >= 0 && box.top >= 0 && box.left + box.width <= 320 && box.top + box.height <= 240);
    const double share = box.width * box.height / (320.0 * 240), ratio = static_cast<double>(box.width) / box.height;
    EXPECT_TRUE(share > 0.495 && share < 1.001) << share;
    EXPECT_TRUE(ratio > 0.745 && ratio < 1.345) << ratio;
    area += share / kDraws;
    mirrored += box.mirrored ? 1 : 0;
  }
  EXPECT_TRUE(area > 0.6 && area < 0.75) << area;  // large and wide or tall ones do not fit and are drawn again
  EXPECT_NEAR(mirrored, kDraws / 2, 150);
}

TEST(ResizedCropTest, PicturesOfAnyShapeHaveABox) {
  Random random({2});
  const auto wide = draw_resized_crop(random, 1000, 12);  // no attempt fits: the middle, 4 to 3
  EXPECT_EQ((std::vector<int>{wide.left, wide.top, wide.width, wide.height}), (std::vector<int>{492, 0, 16, 12}));
  const auto tall = draw_resized_crop(random, 12, 1000);
  EXPECT_EQ((std::vector<int>{tall.left, tall.top, tall.width, tall.height}), (std::vector<int>{0, 492, 12, 16}));
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 50}, {50, 1}, {2, 3}}) {
    for (int i = 0; i < 50; ++i) {
      const auto box = draw_resized_crop(random, width, height);
      EXPECT_TRUE(box.width > 0 && box.height > 0 && box.left >= 0 && box.top >= 0);
      EXPECT_TRUE(box.left + box.width <= width && box.top + box.height <= height);
    }
  }
}

}  // namespace
}  // namespace glint
