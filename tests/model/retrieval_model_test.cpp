#include "glint/model/retrieval_model.h"
#include "glint/model/clip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <set>

#include "glint/core/error.h"
#include "glint/nn/token_clustering.h"
#include "support/small_clip.h"

namespace glint {
namespace {

using testing::ThrowsMessage;

// A texts, B videos, L tokens, T frames, R pixels.
constexpr FeatureShape kShape{.width = 64, .max_words = 7, .max_frames = 4};

TowerSizes small_towers() {
  auto sizes = test::small_clip_sizes();
  sizes.embed_dim = sizes.text_width = kShape.width;  // as temporal encoders that start from the text tower need it
  return sizes;
}

GlsclConfig small_head() {
  GlsclConfig head;
  head.queries = 3;
  head.decoder_layers = 1;
  head.decoder_heads = 2;
  head.decoder_ffn = 32;
  return head;
}

RetrievalModel small_model(std::uint64_t seed = 1, const std::string& temporal = "seq_transf") {
  torch::manual_seed(seed);
  ModelConfig model;
  model.temporal = temporal;
  model.temporal_layers = 3;
  model.dropout = 0;
  return RetrievalModel(model, small_head(), small_towers(), kShape);
}

torch::Tensor random_bytes(torch::IntArrayRef shape) {
  return torch::randint(0, 256, shape, torch::kInt64).to(torch::kUInt8);
}

TensorMap weights_of(const RetrievalModel& model) {
  TensorMap weights;
  for (const auto& item : model.named_parameters()) weights[item.key()] = item.value().detach().clone();
  return weights;
}

TEST(RetrievalModelTest, PaddedFramesAreEncodedAsZeroAfterNormalisation) {
  auto model = small_model(1, "none");
  const auto frames = random_bytes({2, 4, 3, 24, 24});
  const auto mask = torch::tensor({{1, 1, 1, 0}, {1, 0, 0, 0}});
  const auto pixels = normalise_pixels(frames) * mask.view({2, 4, 1, 1, 1});
  const auto want = model.clip().encode_image(pixels.flatten(0, 1)).view({2, 4, -1});
  const auto from_bytes = model.encode_video(frames, mask).frames,
             from_floats = model.encode_video(pixels, mask).frames;
  EXPECT_TRUE(torch::allclose(from_bytes, want, 0, 1e-5));
  EXPECT_TRUE(torch::allclose(from_floats, want, 0, 1e-5));
}

TEST(RetrievalModelTest, AVideoWithoutAnyFrameGivesFiniteScoresAndGradients) {
  for (const auto* temporal : {"none", "seq_lstm", "seq_transf"}) {
    auto model = small_model(2, temporal);
    const auto ids = torch::tensor({{18, 3, 19, 0}, {18, 4, 5, 19}});
    const auto video = model.encode_video(random_bytes({2, 4, 3, 24, 24}), torch::tensor({{0, 0, 0, 0}, {1, 1, 0, 0}}));
    const auto output = model.head().score_pairs(model.encode_text(ids, (ids != 0).to(torch::kInt64)), video);
    EXPECT_TRUE(output.scores.isfinite().all().item<bool>()) << temporal;
    output.scores.sum().backward();
    for (const auto& item : model.named_parameters()) {
      if (item->grad().defined()) {
        EXPECT_TRUE(item->grad().isfinite().all().item<bool>()) << temporal << " " << item.key();
      }
    }
  }
}

// A model whose image tower makes two segments of four frames after its first block, of 5 tokens each.
RetrievalModel clustering_model(const HeadConfig& head, const char* temporal = "none") {
  torch::manual_seed(1);
  ModelConfig config;
  config.temporal = temporal;
  config.clustering.stages = "1-2";
  config.clustering.clusters = 5;
  return RetrievalModel(config, head, small_towers(), kShape);
}

TEST(RetrievalModelTest, ClusteringMakesSegmentsOfFramesPaddingIncluded) {
  auto model = clustering_model(MeanPoolConfig{});
  const auto frames = random_bytes({3, 4, 3, 24, 24});
  const auto mask = torch::tensor({{1, 1, 1, 0}, {1, 0, 0, 0}, {1, 1, 1, 1}});
  ClusteringConfig config;
  config.clusters = 5;
  const auto between = [&](int64_t done, const torch::Tensor& tokens) {
    return done == 1 ? merge_segments(tokens, 2, config) : tokens;
  };
  const auto pixels = normalise_pixels(frames) * mask.view({3, 4, 1, 1, 1});
  const auto segments = model.clip().encode_image(pixels.flatten(0, 1), between).view({3, 2, -1});
  const auto want = model.head().prepare_video({segments, {}, torch::tensor({{1, 0}, {0, 0}, {1, 1}}), {}});
  const auto video = model.encode_video(frames, mask);
  EXPECT_TRUE(torch::allclose(video.prepared.at("pooled"), want.prepared.at("pooled"), 0, 1e-5));
}

TEST(RetrievalModelTest, ClusteringTrainsWithEveryKindOfHeadAndTemporalEncoder) {
  for (const HeadConfig& head : {HeadConfig(small_head()), HeadConfig(XclipConfig{}), HeadConfig(TightConfig{})}) {
    for (const auto* temporal : {"none", "seq_lstm", "seq_transf"}) {
      auto model = clustering_model(head, temporal);
      const auto ids = torch::tensor({{18, 3, 19, 0, 0, 0, 0}, {18, 4, 5, 19, 0, 0, 0}});
      const auto video =
          model.encode_video(random_bytes({2, 4, 3, 24, 24}), torch::tensor({{0, 0, 0, 0}, {1, 1, 1, 0}}));
      model.head().score_pairs(model.encode_text(ids, (ids != 0).to(torch::kInt64)), video).scores.sum().backward();
      const auto gradient = model.named_parameters()["clip.visual.conv1.weight"].grad();
      EXPECT_TRUE(gradient.isfinite().all().item<bool>()) << temporal;
      EXPECT_GT(gradient.abs().sum().item<double>(), 0) << temporal;
    }
  }
}

TEST(RetrievalModelTest, StagesThatDoNotFitNameTheirSetting) {
  const auto expect = [](const char* stages, int64_t clusters, const std::string& message) {
    ModelConfig config;
    config.clustering.stages = stages;
    config.clustering.clusters = clusters;
    EXPECT_THAT([&] { RetrievalModel(config, small_head(), small_towers(), kShape); }, ThrowsMessage<Error>(message));
  };
  const std::string key = "config.model.clustering.stages: ";
  for (const std::string word : {"6", "6-", "-4", "a-2", "1-2x", "1-0", "1--2", "99999999999999999999-1"}) {
    expect(word.c_str(), 5,
           key + "'" + word + "' is not BLOCK-SEGMENTS; '6-4' cuts a clip into 4 segments after block 6");
  }
  expect("1-3", 5, key + "4 frames cannot be cut into 3 equal segments");
  expect("1-8", 5, key + "4 frames cannot be cut into 8 equal segments");
  expect("3-2", 5, key + "block 3 is not between the stage before and the last of 3 blocks");
  expect("1-2 1-1", 5, key + "block 1 is not between the stage before and the last of 3 blocks");
  expect("1-2", 19, "config.model.clustering.clusters: 19 is not in 1 ... 18, the tokens of a segment");
}

TEST(RetrievalModelTest, FramesOfAnotherSizeNameTheSetting) {
  auto model = small_model();
  EXPECT_THAT(
      [&] {
        model.encode_video(random_bytes({1, 4, 3, 8, 8}), torch::ones({1, 4}, torch::kInt64));
      },
      ThrowsMessage<Error>("config.video.image_size: frames of 8 pixels, but the image tower takes 24"));
}

TEST(RetrievalModelTest, LimitsOfThePositionTablesNameTheirSetting) {
  ModelConfig config;
  EXPECT_THAT(
      [&] {
        RetrievalModel(config, small_head(), small_towers(), {64, 14, 4});
      },
      ThrowsMessage<Error>("config.text.max_words: 14 is more than the text tower's 13 positions"));
  EXPECT_THAT(
      [&] {
        RetrievalModel(config, small_head(), small_towers(), {64, 7, 14});
      },
      ThrowsMessage<Error>("config.video.num_frames: 14 is more than the 13 positions of seq_transf"));
  config.text_mask = "both";
  EXPECT_THAT([&] { RetrievalModel(config, small_head(), small_towers(), kShape); },
              ThrowsMessage<Error>("config.model.text_mask: no mask 'both'; there are causal, causal_padding"));
}

TEST(RetrievalModelTest, ClampHoldsTheLogitScaleFromAbove) {
  auto model = small_model();
  model.clamp_logit_scale(10);
  EXPECT_NEAR(model.logit_scale().item<double>(), 10, 1e-4);
  model.clamp_logit_scale(100);
  EXPECT_NEAR(model.logit_scale().item<double>(), 10, 1e-4);
}

TEST(RetrievalModelTest, ParametersStandUnderTheirRoomsAndReferenceNamesAreUnique) {
  for (const auto* temporal : {"seq_transf", "seq_lstm"}) {
    const auto names = small_model(1, temporal).reference_names();
    std::set<std::string> references;
    for (const auto& [name, reference] : names) {
      EXPECT_TRUE(name.starts_with("clip.") || name.starts_with("temporal.") || name.starts_with("head.")) << name;
      EXPECT_TRUE(references.insert(reference).second) << reference;
    }
    EXPECT_EQ(names.at("clip.visual.conv1.weight"), "clip.visual.conv1.weight");
    EXPECT_EQ(names.at("head.spatial_queries"), "spatial_queries");
  }
  EXPECT_EQ(small_model().reference_names().at("temporal.resblocks.2.ln_1.bias"),
            "transformerClip.resblocks.2.ln_1.bias");
  EXPECT_EQ(small_model().reference_names().at("temporal.frame_position_embeddings.weight"),
            "frame_position_embeddings.weight");
  EXPECT_EQ(small_model(1, "seq_lstm").reference_names().at("temporal.lstm.weight_ih_l0"), "lstm_visual.weight_ih_l0");
}

TEST(LoadWeightsTest, ModelsWithEqualWeightsAreEqual) {
  const auto from = small_model(1);
  auto to = small_model(2);
  load_weights(to, weights_of(from));
  for (const auto& [name, weight] : weights_of(from))
    EXPECT_TRUE(torch::equal(weights_of(to).at(name), weight)) << name;
}

TEST(LoadWeightsTest, NamesEverythingThatDoesNotFitAndChangesNothing) {
  auto model = small_model();
  const auto before = weights_of(model);
  auto weights = weights_of(small_model(2));
  weights.erase("clip.logit_scale");
  weights["clip.spare"] = torch::zeros({1});
  weights["head.spatial_queries"] = torch::zeros({4, 64});
  EXPECT_THAT([&] { load_weights(model, weights); },
              ThrowsMessage<Error>("weights: 4 names do not fit: 'clip.spare' fits no parameter of this model; "
                                   "'head.spatial_queries' is [4, 64], the model's is [3, 64]; 'clip.logit_scale' is "
                                   "missing; 'head.spatial_queries' is missing"));
  for (const auto& [name, weight] : before) EXPECT_TRUE(torch::equal(weights_of(model).at(name), weight)) << name;
}

// The CLIP part of a model under OpenAI's bare names.
TensorMap openai_weights(const RetrievalModel& model) {
  TensorMap weights;
  for (const auto& [name, weight] : weights_of(model)) {
    if (name.starts_with("clip.")) weights[name.substr(5)] = weight;
  }
  return weights;
}

TEST(LoadPretrainedTest, BareClipWeightsAlsoStartTheTemporalEncoder) {
  auto weights = openai_weights(small_model(1));
  weights["input_resolution"] = torch::tensor(24);  // not a parameter; OpenAI's file has it
  auto model = small_model(2);
  const auto before = weights_of(model);
  load_pretrained(model, weights);
  const auto after = weights_of(model);
  EXPECT_TRUE(torch::equal(after.at("clip.visual.proj"), weights.at("visual.proj")));
  EXPECT_TRUE(torch::equal(after.at("temporal.frame_position_embeddings.weight"), weights.at("positional_embedding")));
  EXPECT_TRUE(torch::equal(after.at("temporal.resblocks.1.mlp.c_fc.bias"),
                           weights.at("transformer.resblocks.1.mlp.c_fc.bias")));
  for (const auto* kept :
       {"temporal.resblocks.2.mlp.c_fc.weight", "head.spatial_queries"}) {  // the text tower has 2 blocks
    EXPECT_TRUE(torch::equal(after.at(kept), before.at(kept))) << kept;
  }
}

TEST(LoadPretrainedTest, BareClipWeightsAlsoStartThePairTransformer) {
  ModelConfig config;
  config.temporal = "none";
  RetrievalModel model(config, TightConfig{}, small_towers(), kShape);
  const auto before = weights_of(model), weights = openai_weights(small_model(1));
  EXPECT_EQ(model.logit_scale().item<double>(), 1);  // its scores are logits
  load_pretrained(model, weights);
  const auto after = weights_of(model);
  EXPECT_TRUE(torch::equal(after.at("head.position_embeddings"), weights.at("positional_embedding")));
  EXPECT_TRUE(torch::equal(after.at("head.resblocks.1.attn.in_proj_weight"),
                           weights.at("transformer.resblocks.1.attn.in_proj_weight")));
  for (const auto* kept : {"head.resblocks.2.mlp.c_fc.weight", "head.dense.weight"}) {
    EXPECT_TRUE(torch::equal(after.at(kept), before.at(kept))) << kept;
  }
}

TEST(LoadPretrainedTest, ReleasedNamesBringBackAWholeModel) {
  const auto from = small_model(1);
  TensorMap released;
  for (const auto& [name, reference] : from.reference_names()) released[reference] = weights_of(from).at(name);
  released["weight_fc.0.weight"] = torch::zeros({2, 2});  // registered by the release, never used
  auto to = small_model(2);
  load_pretrained(to, released);
  for (const auto& [name, weight] : weights_of(from))
    EXPECT_TRUE(torch::equal(weights_of(to).at(name), weight)) << name;
}

TEST(LoadPretrainedTest, NamesEveryWeightThatFitsNowhere) {
  auto model = small_model();
  EXPECT_THAT(
      [&] {
        load_pretrained(model, {{"visual.layer1", torch::zeros({1})}, {"visual.proj", torch::zeros({2, 2})}});
      },
      ThrowsMessage<Error>(
          "weights: 2 names do not fit: 'visual.layer1' fits no parameter of this model; 'visual.proj' is [2, 2], the "
          "model's is [64, 64]"));
}

std::set<std::string> frozen(RetrievalModel& model, const std::string& rule) {
  freeze_parameters(model, rule);
  std::set<std::string> names;
  for (const auto& item : model.named_parameters()) {
    if (!item->requires_grad()) names.insert(item.key());
  }
  return names;
}

TEST(FreezeParametersTest, EachRuleFreezesItsSetWhateverWasFrozenBefore) {
  auto model = small_model();
  const std::set<std::string> clip4clip = {"clip.visual.conv1.weight",         "clip.visual.class_embedding",
                                           "clip.visual.positional_embedding", "clip.visual.ln_pre.weight",
                                           "clip.visual.ln_pre.bias",          "clip.token_embedding.weight",
                                           "clip.positional_embedding"};
  EXPECT_EQ(frozen(model, "clip4clip"), clip4clip);
  EXPECT_EQ(frozen(model, "conv1"), std::set<std::string>{"clip.visual.conv1.weight"});
  const auto towers = frozen(model, "towers");
  EXPECT_EQ(towers.size(), model.clip().parameters().size() - 1);
  EXPECT_EQ(towers.count("clip.logit_scale"), 0U);
  EXPECT_TRUE(frozen(model, "none").empty());
  EXPECT_THAT([&] { freeze_parameters(model, "all"); },
              ThrowsMessage<Error>("config.model.freeze: no rule 'all'; there are none, conv1, clip4clip, towers"));
}

TEST(FreezeParametersTest, FrozenTowersRecordNoGraph) {
  auto model = small_model(1, "none");
  freeze_parameters(model, "towers");
  const auto ids = torch::tensor({{18, 3, 19}});
  EXPECT_FALSE(model.encode_text(ids, torch::ones_like(ids)).sentence.requires_grad());
}

}  // namespace
}  // namespace glint
