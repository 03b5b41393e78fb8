#include "media/augment_kernels.h"

#include <gtest/gtest.h>

#include "glint/core/random.h"

namespace glint {
namespace {

TEST(AugmentKernelsTest, EveryKindOfCpuGivesTheSameBytes) {
  Random random({12});
  const auto kinds = augment_kernels();
  for (int round = 0; round < 30; ++round) {
    Image image(1 + static_cast<int>(random.below(150)), 1 + static_cast<int>(random.below(60)));
    for (auto& byte : image.rgb) byte = static_cast<std::uint8_t>(random.below(256));
    PaddedPicture padded;
    AffineMap map;
    for (auto* value : {&map.b, &map.d}) *value = random.chance(0.3) ? 0 : random.uniform(-0.5, 0.5);
    for (auto* value : {&map.c, &map.f}) *value = random.chance(0.3) ? 0 : random.uniform(-9, 9);
    const auto factor = static_cast<float>(random.uniform(0.1, 1.9));
    const auto results = [&](const AugmentKernels& kernels) {
      std::vector<Image> all(3, Image(image.width, image.height));
      kernels.affine(image, map, padded, all[0]);
      kernels.color(image, factor, all[1]);
      kernels.sharpness(image, factor, all[2]);
      return all;
    };
    const auto expected = results(kinds.back());
    for (const auto& kernels : kinds) {
      const auto actual = results(kernels);
      for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(actual[i].rgb, expected[i].rgb) << kernels.cpu << ", kernel " << i;
      EXPECT_EQ(kernels.luma_sum(image), kinds.back().luma_sum(image)) << kernels.cpu;
    }
  }
}

}  // namespace
}  // namespace glint
