#include "glint/model/clip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "glint/core/error.h"
#include "support/small_clip.h"

namespace glint {
namespace {

using test::small_clip_sizes;

// N images, R pixels, D width; A texts, L tokens.
ClipModel small_clip(std::uint64_t seed = 1) {
  torch::manual_seed(seed);
  return ClipModel(small_clip_sizes());
}

constexpr int64_t kStart = 28, kEnd = 29;

struct Texts {
  torch::Tensor ids, mask;  // [A, L]
};

Texts texts(const std::vector<std::vector<int64_t>>& rows, int64_t length) {
  Texts result{torch::zeros({std::ssize(rows), length}, torch::kInt64),
               torch::zeros({std::ssize(rows), length}, torch::kInt64)};
  for (int64_t a = 0; a < std::ssize(rows); ++a) {
    const auto& row = rows[static_cast<std::size_t>(a)];
    result.ids[a].slice(0, 0, std::ssize(row)).copy_(torch::tensor(row));
    result.mask[a].slice(0, 0, std::ssize(row)).fill_(1);
  }
  return result;
}

void expect_close(const torch::Tensor& actual, const torch::Tensor& expected, double atol = 1e-5) {
  ASSERT_EQ(actual.sizes(), expected.sizes());
  EXPECT_LE((actual - expected).abs().max().item<double>(), atol);
}

TEST(ClipTest, ImageFeatureIsTheFirstOfAllTokensAndHasItsGradients) {
  auto clip = small_clip();
  const auto pixels = torch::randn({5, 3, 24, 24});
  const auto probe = torch::randn({5, 40});
  std::vector<std::vector<torch::Tensor>> gradients;
  for (const bool all_tokens : {false, true}) {
    const auto feature = all_tokens ? clip.encode_image_tokens(pixels).select(1, 0) : clip.encode_image(pixels);
    expect_close(feature, clip.encode_image_tokens(pixels).select(1, 0));
    clip.zero_grad();
    (feature * probe).sum().backward();
    gradients.emplace_back();
    for (const auto& parameter : clip.parameters()) {
      gradients.back().push_back(parameter.grad().defined() ? parameter.grad().clone() : torch::zeros_like(parameter));
    }
  }
  for (std::size_t i = 0; i < gradients[0].size(); ++i) expect_close(gradients[0][i], gradients[1][i], 2e-4);
}

TEST(ClipTest, EveryTowerParameterGetsAGradient) {
  auto clip = small_clip();
  const auto text = texts({{kStart, 3, kEnd}, {kStart, 4, 5, 6, kEnd}}, 13);
  const auto [words, sentence] = clip.encode_text(text.ids, text.mask, TextMask::kCausalPadding);
  (clip.encode_image(torch::randn({2, 3, 24, 24})).square().sum() + words.square().sum() + clip.logit_scale).backward();
  for (const auto& item : clip.named_parameters()) {
    ASSERT_TRUE(item->grad().defined()) << item.key();
    EXPECT_GT(item->grad().abs().sum().item<double>(), 0) << item.key();
  }
}

TEST(ClipTest, SentenceIsTheWordAtTheFirstOfTheLargestIds) {
  auto clip = small_clip();
  const auto text = texts({{kStart, kEnd, 7, kEnd}, {kStart, 3, 4, kEnd}}, 6);
  const auto [words, sentence] = clip.encode_text(text.ids, text.mask, TextMask::kCausal);
  expect_close(sentence[0], words[0][1], 0);
  expect_close(sentence[1], words[1][3], 0);
}

TEST(ClipTest, TextMasksDifferAtPaddingAlone) {
  auto clip = small_clip();
  const auto text = texts({{kStart, 3, 4, kEnd}, {kStart, 5, kEnd}}, 7);
  const auto causal = clip.encode_text(text.ids, text.mask, TextMask::kCausal).first;
  const auto padding = clip.encode_text(text.ids, text.mask, TextMask::kCausalPadding).first;
  expect_close(causal[0].slice(0, 0, 4), padding[0].slice(0, 0, 4));
  expect_close(causal[1].slice(0, 0, 3), padding[1].slice(0, 0, 3));
  EXPECT_GT((causal[1][5] - padding[1][5]).abs().max().item<double>(), 1e-3);
}

TEST(ClipTest, MorePaddingChangesNoRealToken) {
  auto clip = small_clip();
  for (const auto style : {TextMask::kCausal, TextMask::kCausalPadding}) {
    const auto shorter = texts({{kStart, 3, 4, kEnd}, {kStart, 5, kEnd}}, 4),
               longer = texts({{kStart, 3, 4, kEnd}, {kStart, 5, kEnd}}, 12);
    const auto [few, sentence] = clip.encode_text(shorter.ids, shorter.mask, style);
    const auto [many, same] = clip.encode_text(longer.ids, longer.mask, style);
    expect_close(sentence, same);
    expect_close(few[0], many[0].slice(0, 0, 4));
  }
}

TEST(ClipTest, ATextOfPaddingAloneIsFinite) {
  auto clip = small_clip();
  const auto text = texts({{}, {kStart, kEnd}}, 5);
  const auto [words, sentence] = clip.encode_text(text.ids, text.mask, TextMask::kCausalPadding);
  EXPECT_TRUE(words.isfinite().all().item<bool>());
  words.sum().backward();
  for (const auto& item : clip.named_parameters()) {
    if (item->grad().defined()) {
      EXPECT_TRUE(item->grad().isfinite().all().item<bool>()) << item.key();
    }
  }
}

TEST(ClipTest, ParameterNamesAreFileFormat) {
  std::vector<std::string> names = {"positional_embedding",
                                    "text_projection",
                                    "logit_scale",
                                    "visual.class_embedding",
                                    "visual.positional_embedding",
                                    "visual.proj",
                                    "visual.conv1.weight",
                                    "visual.ln_pre.weight",
                                    "visual.ln_pre.bias",
                                    "visual.ln_post.weight",
                                    "visual.ln_post.bias",
                                    "token_embedding.weight",
                                    "ln_final.weight",
                                    "ln_final.bias"};
  const auto add_blocks = [&](const std::string& prefix, int layers) {
    for (int i = 0; i < layers; ++i) {
      for (const auto* rest : {"attn.in_proj_weight", "attn.in_proj_bias", "attn.out_proj.weight", "attn.out_proj.bias",
                               "ln_1.weight", "ln_1.bias", "mlp.c_fc.weight", "mlp.c_fc.bias", "mlp.c_proj.weight",
                               "mlp.c_proj.bias", "ln_2.weight", "ln_2.bias"}) {
        names.push_back(prefix + std::to_string(i) + "." + rest);
      }
    }
  };
  add_blocks("visual.transformer.resblocks.", 3);
  add_blocks("transformer.resblocks.", 2);
  EXPECT_THAT(small_clip().named_parameters().keys(), testing::UnorderedElementsAreArray(names));
}

TEST(ClipTest, StartsAsTheReleaseDoesAndEqualFromEqualSeeds) {
  const auto first = small_clip(4).named_parameters(), second = small_clip(4).named_parameters();
  for (const auto& item : first) EXPECT_TRUE(torch::equal(item.value(), second[item.key()])) << item.key();
  const auto stddev = [&](const char* name) { return first[name].std().item<double>(); };
  EXPECT_NEAR(first["logit_scale"].item<double>(), std::log(1 / 0.07), 1e-6);
  EXPECT_NEAR(stddev("token_embedding.weight"), 0.02, 0.002);
  EXPECT_NEAR(stddev("positional_embedding"), 0.01, 0.002);
  EXPECT_NEAR(stddev("visual.proj"), 1 / std::sqrt(64.0), 0.01);
  EXPECT_NEAR(stddev("text_projection"), 1 / std::sqrt(128.0), 0.01);
  EXPECT_NEAR(stddev("transformer.resblocks.1.attn.in_proj_weight"), 1 / std::sqrt(128.0), 0.005);
  EXPECT_NEAR(stddev("transformer.resblocks.1.mlp.c_fc.weight"), 1 / std::sqrt(256.0), 0.005);
  EXPECT_NEAR(stddev("transformer.resblocks.1.mlp.c_proj.weight"), 1 / std::sqrt(128.0 * 4), 0.005);
}

auto refuses(const std::string& words) {
  return testing::ThrowsMessage<Error>(testing::HasSubstr(words));
}

TEST(ClipTest, SizesThatCannotBeBuiltNameTheirKey) {
  auto sizes = small_clip_sizes();
  sizes.patch_size = 7;
  EXPECT_THAT([&] { ClipModel clip(sizes); }, refuses("config.model.towers.patch_size: 7"));
  sizes = small_clip_sizes();
  sizes.vision_width = 65;
  EXPECT_THAT([&] { ClipModel clip(sizes); }, refuses("towers.vision_width: 65"));
}

TEST(NormalisePixelsTest, EqualsTheStepsOfTheReferenceInEveryBit) {
  const auto frames = torch::arange(256, torch::kInt64).to(torch::kUInt8).view({1, 1, 16, 16}).expand({2, 3, 16, 16});
  const auto constants = [](double r, double g, double b) {
    return torch::tensor({r, g, b}, torch::kFloat32).view({3, 1, 1});
  };
  const auto want = (frames.to(torch::kFloat32) / 255 - constants(0.48145466, 0.4578275, 0.40821073)) /
                    constants(0.26862954, 0.26130258, 0.27577711);
  EXPECT_TRUE(torch::equal(normalise_pixels(frames), want));
  EXPECT_EQ(normalise_pixels(frames.slice(0, 0, 0)).sizes(), torch::IntArrayRef({0, 3, 16, 16}));
  EXPECT_THROW(normalise_pixels(want), Bug);
}

}  // namespace
}  // namespace glint
