#include <gtest/gtest.h>
#include <torch/torch.h>

#include "glint/model/retrieval_model.h"
#include "support/product_counter.h"
#include "support/small_clip.h"

// The towers' work as it is counted on paper, against the products that LibTorch computes.
namespace glint::test {
namespace {

constexpr int64_t kClips = 3, kFrames = 4, kTexts = 5, kLength = 7;

// Attention in operators, whose products are seen.
class TowerMacsTest : public testing::Test {
 protected:
  TowerMacsTest() : was_fused_(at::globalContext().userEnabledFlashSDP()) { at::globalContext().setSDPUseFlash(false); }
  ~TowerMacsTest() override { at::globalContext().setSDPUseFlash(was_fused_); }

  static std::shared_ptr<RetrievalModel> model(const TowerSizes& sizes, const std::string& stages = "") {
    torch::manual_seed(1);
    ModelConfig config;
    config.temporal = "none";
    config.clustering.stages = stages;
    config.clustering.clusters = 5;
    const FeatureShape shape = {.width = sizes.embed_dim, .max_words = kLength, .max_frames = kFrames};
    auto made = std::make_shared<RetrievalModel>(config, MeanPoolConfig{}, sizes, shape);
    made->to(torch::kDouble);  // products of the operators that are counted
    return made;
  }
  static VideoFeatures videos(RetrievalModel& model, const torch::Tensor& mask) {
    return model.video_features(torch::randn({kClips, kFrames, 3, 24, 24}, torch::kDouble), mask);
  }
  static TextFeatures texts(RetrievalModel& model) {
    return model.text_features(torch::randint(1, 30, {kTexts, kLength}, torch::kInt64),
                               torch::ones({kTexts, kLength}, torch::kInt64));
  }
  // What is no block's, forward: patches of `pictures` become tokens, a token of `features` the feature.
  static int64_t patches(const TowerSizes& s, int64_t pictures) {
    const auto grid = s.image_size / s.patch_size;
    return pictures * grid * grid * 3 * s.patch_size * s.patch_size * s.vision_width;
  }
  static int64_t projection(const TowerSizes& s, int64_t features) {
    return s.kind == TowerKind::kClip ? features * s.vision_width * s.embed_dim : s.vision_width * s.vision_width;
  }

 private:
  bool was_fused_;
};

torch::Tensor mask_of(int64_t real_frames) {
  return (torch::arange(kFrames) < real_frames).to(torch::kInt64).expand({kClips, kFrames}).contiguous();
}

TEST_F(TowerMacsTest, WhatAForwardPassIsCountedAsIsWhatItComputes) {
  for (const auto& sizes : {small_clip_sizes(), small_siglip_sizes()}) {
    const auto towers = model(sizes);
    freeze_parameters(*towers, "towers");
    const ProductCounter counter;
    videos(*towers, mask_of(kFrames));
    const auto items = towers->take_encoded();
    EXPECT_EQ(items.pictures, kClips * kFrames);
    EXPECT_EQ(counter.macs(), towers->image_macs(items) + static_cast<double>(patches(sizes, items.pictures) +
                                                                              projection(sizes, items.pictures)));
  }
}

TEST_F(TowerMacsTest, MergedTokensAreCountedAsTheyRun) {
  const auto sizes = small_clip_sizes();
  const auto towers = model(sizes, "1-2");
  freeze_parameters(*towers, "towers");
  const ProductCounter counter;
  videos(*towers, mask_of(kFrames));
  const auto items = towers->take_encoded();
  EXPECT_EQ(counter.macs(), towers->image_macs(items) +
                                static_cast<double>(patches(sizes, items.pictures) + projection(sizes, kClips * 2)));
}

TEST_F(TowerMacsTest, WhatIsTrainedDecidesAboutTheBackwardPass) {
  const auto sizes = small_clip_sizes();
  const auto pass = [&](const std::string& freeze) {
    const auto towers = model(sizes);
    freeze_parameters(*towers, freeze);
    const ProductCounter counter;
    const auto features = videos(*towers, mask_of(kFrames)).frames;
    if (features.requires_grad()) features.sum().backward();
    return std::pair(static_cast<double>(counter.macs()), towers->image_macs(towers->take_encoded()));
  };
  const auto pictures = kClips * kFrames;
  const auto input = static_cast<double>(patches(sizes, pictures));
  const auto output = static_cast<double>(projection(sizes, pictures));
  const auto [frozen, frozen_blocks] = pass("towers");
  EXPECT_EQ(frozen, frozen_blocks + input + output);
  const auto [trained, trained_blocks] = pass("none");
  EXPECT_EQ(trained, trained_blocks + 2 * input + 3 * output);  // pixels have no gradient
  EXPECT_EQ(trained_blocks, 3 * frozen_blocks);
  const auto [behind_frozen, blocks_behind_frozen] = pass("conv1");
  EXPECT_EQ(behind_frozen, blocks_behind_frozen + input + 3 * output);
}

TEST_F(TowerMacsTest, TextsAreCountedAsTheyRun) {
  const auto sizes = small_clip_sizes();
  const auto towers = model(sizes);
  const ProductCounter counter;
  texts(*towers).words.sum().backward();
  const auto items = towers->take_encoded();
  EXPECT_EQ(items.texts, kTexts);
  EXPECT_EQ(items.text_length, kLength);
  EXPECT_EQ(counter.macs(),
            towers->text_macs(items) + static_cast<double>(3 * kTexts * kLength * sizes.text_width * sizes.embed_dim));
}

TEST_F(TowerMacsTest, ABatchThatIsHalfPaddingIsHalfTheWorkAndOneBlankPicture) {
  const auto towers = model(small_clip_sizes());
  videos(*towers, mask_of(kFrames));
  const auto whole = towers->take_encoded();
  videos(*towers, mask_of(kFrames / 2));
  const auto half = towers->take_encoded();
  EXPECT_EQ(half.pictures, whole.pictures / 2 + 1);
  EXPECT_EQ(half.frames, whole.frames);
  const auto of_a_picture = towers->image_macs(whole) / static_cast<double>(whole.pictures);
  EXPECT_DOUBLE_EQ(towers->image_macs(half), towers->image_macs(whole) / 2 + of_a_picture);
}

TEST_F(TowerMacsTest, WhatIsEncodedWithoutAutogradIsNoStep) {
  const auto towers = model(small_clip_sizes());
  {
    const torch::NoGradGuard no_grad;
    videos(*towers, mask_of(kFrames));
    texts(*towers);
  }
  const auto items = towers->take_encoded();
  EXPECT_EQ(items.pictures, 0);
  EXPECT_EQ(items.texts, 0);
}

}  // namespace
}  // namespace glint::test
