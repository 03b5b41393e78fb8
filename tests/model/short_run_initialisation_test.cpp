#include "glint/model/short_run_initialisation.h"
#include "glint/model/clip.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "glint/core/error.h"
#include "support/small_clip.h"

namespace glint {
namespace {

RetrievalModel short_run_model() {
  ModelConfig model;
  model.temporal = "seq_transf";
  auto sizes = test::small_clip_sizes();
  sizes.embed_dim = 64;  // one attention head of seq_transf
  return {model, MeanPoolConfig{}, sizes, FeatureShape{64, 13, 5}};
}

torch::Tensor filters_of(RetrievalModel& model) {
  return model.named_parameters()["clip.visual.conv1.weight"].detach().flatten(1).to(torch::kFloat64);
}

TEST(PatchMomentsTest, AreTheMeanProductsOfAllPatchesPixels) {
  const auto frames = torch::randint(256, {7, 3, 6, 6}, torch::kUInt8);
  PatchMoments moments(2);
  moments.add(frames.slice(0, 0, 2));
  moments.add(frames.slice(0, 2));
  const auto pixels = normalise_pixels(frames).to(torch::kFloat64);
  auto sum = torch::zeros({12, 12}, torch::kFloat64);
  for (int64_t n = 0; n < 7; ++n) {
    for (int64_t y = 0; y < 6; y += 2) {
      for (int64_t x = 0; x < 6; x += 2) {
        const auto patch = pixels[n].slice(1, y, y + 2).slice(2, x, x + 2).flatten();
        sum += patch.outer(patch);
      }
    }
  }
  EXPECT_EQ(moments.patches(), 63);
  EXPECT_TRUE(torch::allclose(moments.second_moment(), sum / 63, 1e-5, 1e-5));
}

TEST(ShortRunStartTest, FiltersGivePatchesOfAboutUnitSizeWithoutCorrelation) {
  torch::manual_seed(1);
  auto model = short_run_model();
  PatchMoments moments(8);
  moments.add(torch::randint(256, {60, 3, 24, 24}, torch::kUInt8));
  initialise_for_short_run(model, moments);
  const auto filters = filters_of(model);
  const auto outputs = filters.mm(moments.second_moment()).mm(filters.t());  // of the embedded patches
  EXPECT_LT((outputs - torch::eye(64, torch::kFloat64)).abs().max().item<double>(), 0.05);
}

TEST(ShortRunStartTest, ComponentsWithoutVarianceAreNotBlownUp) {
  for (const int brightness : {0, 255}) {
    auto model = short_run_model();
    PatchMoments moments(8);
    moments.add(torch::full({3, 3, 24, 24}, brightness, torch::kUInt8));
    initialise_for_short_run(model, moments);
    EXPECT_TRUE(filters_of(model).isfinite().all().item<bool>());
    const auto pixels = normalise_pixels(torch::full({1, 3, 24, 24}, brightness, torch::kUInt8));
    EXPECT_LT(model.clip().encode_image(pixels).abs().max().item<double>(), 1e3);
  }
}

TEST(ShortRunStartTest, TheSameSeedGivesTheSameStartAndTablesGrow) {
  PatchMoments moments(8);
  moments.add(torch::randint(256, {5, 3, 24, 24}, torch::kUInt8));
  const auto start = [&](bool for_short_run) {
    torch::manual_seed(7);
    auto model = short_run_model();
    if (for_short_run) initialise_for_short_run(model, moments);
    return model.named_parameters();
  };
  const auto once = start(true), again = start(true), plain = start(false);
  for (const auto& item : once) EXPECT_TRUE(torch::equal(item.value(), again[item.key()])) << item.key();
  const std::pair<const char*, double> tables[] = {{"clip.token_embedding.weight", 10},
                                                   {"clip.positional_embedding", 10},
                                                   {"clip.visual.positional_embedding", 3},
                                                   {"temporal.frame_position_embeddings.weight", 20}};
  for (const auto& [name, factor] : tables) EXPECT_TRUE(torch::equal(once[name], plain[name] * factor)) << name;
  EXPECT_TRUE(torch::equal(once["clip.visual.proj"], plain["clip.visual.proj"]));
}

}  // namespace
}  // namespace glint
