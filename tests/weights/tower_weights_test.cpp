#include "glint/weights/tower_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "glint/core/error.h"
#include "glint/model/clip.h"
#include "support/small_clip.h"

namespace glint::test {
namespace {

ClipModel small_clip() {
  torch::manual_seed(1);
  return ClipModel(small_clip_sizes());
}

TensorMap weights_of(const ClipModel& clip, const std::string& prefix = "") {
  TensorMap weights;
  for (const auto& item : clip.named_parameters()) weights[prefix + item.key()] = item.value().detach();
  return weights;
}

TEST(TowerSizesTest, AreReadOffTheWeightsWithAndWithoutPrefix) {
  for (const auto* prefix : {"", "clip."}) {
    const auto sizes = tower_sizes(weights_of(small_clip(), prefix)), want = small_clip_sizes();
    EXPECT_EQ(sizes.embed_dim, want.embed_dim);
    EXPECT_EQ(sizes.image_size, want.image_size);
    EXPECT_EQ(sizes.patch_size, want.patch_size);
    EXPECT_EQ(sizes.vision_width, want.vision_width);
    EXPECT_EQ(sizes.vision_layers, want.vision_layers);
    EXPECT_EQ(sizes.text_width, want.text_width);
    EXPECT_EQ(sizes.text_layers, want.text_layers);
    EXPECT_EQ(sizes.context_length, want.context_length);
    EXPECT_EQ(sizes.vocabulary_size, want.vocabulary_size);
  }
}

TEST(TowerSizesTest, NamesWhatIsMissingOrDoesNotFit) {
  auto weights = weights_of(small_clip());
  weights["visual.positional_embedding"] = torch::zeros({8, 64});
  EXPECT_THAT(
      [&] { tower_sizes(weights); },
      testing::ThrowsMessage<Error>(testing::HasSubstr("'visual.positional_embedding' is [8, 64], expected [5, 64]")));
  weights["visual.conv1.weight"] = torch::zeros({8, 64});
  EXPECT_THAT([&] { tower_sizes(weights); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("'visual.conv1.weight' is [8, 64], expected")));
  weights.erase("visual.conv1.weight");
  EXPECT_THAT([&] { tower_sizes(weights); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("'visual.conv1.weight' is missing")));
  EXPECT_THAT([] { tower_sizes({}); }, testing::ThrowsMessage<Error>(testing::HasSubstr("is missing")));
}

}  // namespace
}  // namespace glint::test
