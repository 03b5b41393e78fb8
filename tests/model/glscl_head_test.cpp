#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "glint/core/error.h"
#include "glint/model/head.h"
#include "model/head_kinds.h"
#include "model/head_support.h"
#include "model/literal/glscl.h"

namespace glint::glscl_test {
namespace {

using test::distance;
using test::Prepared;
using test::scores_of;

// Unequal on purpose: width 16, 3 queries, 2 layers of 4 heads, inner width 24.
constexpr int64_t kWidth = 16;

GlsclConfig small_config() {
  GlsclConfig config;
  config.queries = 3;
  config.decoder_layers = 2;
  config.decoder_heads = 4;
  config.decoder_ffn = 24;
  config.alpha = 0.01;
  return config;
}

struct Items {
  torch::Tensor sentence, words, word_mask, frames, frame_mask;
};

// Random features; item i has 1 + i mod (its longest) real words or frames.
Items random_items(int64_t A, int64_t B, int64_t L, int64_t T, torch::ScalarType type = torch::kFloat) {
  const auto normal = [&](std::vector<int64_t> shape) { return torch::randn(shape, type); };
  return {normal({A, kWidth}), normal({A, L, kWidth}), test::prefix_mask(A, L), normal({B, T, kWidth}),
          test::prefix_mask(B, T)};
}

Prepared prepare(RetrievalHead& head, const Items& items) {
  TextFeatures text{items.sentence, items.words, items.word_mask, {}};
  VideoFeatures video{items.frames, items.frames, items.frame_mask, {}};
  return {head.prepare_text(text), head.prepare_video(video)};
}

std::shared_ptr<RetrievalHead> head_of(const GlsclConfig& config, double dropout = 0) {
  return make_head(config, {kWidth, /*max_words=*/5, /*max_frames=*/6}, dropout);
}

// The literal form with the head's parameters, in double precision.
literal::Glscl literal_of(const GlsclConfig& config, const RetrievalHead& head) {
  auto quiet = config;
  quiet.dropout = 0;
  literal::Glscl literal(quiet, kWidth);
  literal.to(torch::kDouble);
  torch::NoGradGuard no_grad;
  const auto parameters = head.named_parameters();
  for (auto& parameter : literal.named_parameters()) parameter.value().copy_(parameters[parameter.key()]);
  return literal;
}

literal::Glscl::Scores judge(literal::Glscl& literal, const Items& items) {
  return literal.forward(items.sentence.to(torch::kDouble), items.words.to(torch::kDouble),
                         items.frames.to(torch::kDouble), items.frame_mask);
}

TEST(GlsclHeadTest, ScoresMatchTheLiteralFormForAnyShape) {
  torch::manual_seed(1);
  const auto config = small_config();
  const auto head = head_of(config);
  auto literal = literal_of(config, *head);
  for (const auto& [A, B, L, T] : std::vector<std::array<int64_t, 4>>{
           {1, 1, 1, 1}, {1, 9, 5, 6}, {70, 1, 2, 3}, {3, 4, 5, 6}, {33, 35, 4, 7}, {64, 17, 3, 20}}) {
    const auto items = random_items(A, B, L, T);
    EXPECT_LT(distance(scores_of(*head, items), judge(literal, items).all), 2e-6)
        << A << " " << B << " " << L << " " << T;
  }
}

TEST(GlsclHeadTest, ScoresAndLossesAndGradientsMatchTheLiteralForm) {
  for (const auto& [normaliser, modalities] :
       std::vector<std::pair<std::string, std::string>>{{"queries", "video"}, {"batch", "both"}}) {
    torch::manual_seed(2);
    auto config = small_config();
    config.icl_normaliser = normaliser;
    config.idl_modalities = modalities;
    config.idl_margin = 0.9;  // so that random concepts feel it
    const auto head = head_of(config);
    head->to(torch::kDouble);
    auto literal = literal_of(config, *head);
    auto items = random_items(5, 5, 4, 6, torch::kDouble);
    for (auto* tensor : {&items.sentence, &items.words, &items.frames}) tensor->set_requires_grad(true);
    const auto inputs = std::vector<torch::Tensor>{items.sentence, items.words, items.frames};
    const auto weights = torch::randn({5, 5}, torch::kDouble);

    const auto want = judge(literal, items);
    auto wanted_inputs = inputs, actual_inputs = inputs;
    const auto literal_parameters = literal.named_parameters();
    const auto head_parameters = head->named_parameters();
    for (const auto& parameter : literal_parameters) {
      wanted_inputs.push_back(parameter.value());
      actual_inputs.push_back(head_parameters[parameter.key()]);
    }
    const auto wanted = torch::autograd::grad({(want.all * weights).sum() + want.icl + want.idl}, wanted_inputs);

    const auto [text, video] = prepare(*head, items);
    const auto output = head->score_pairs(text, video);
    ASSERT_EQ(output.aux.size(), 2U);
    EXPECT_LT(distance(output.scores, want.all), 1e-12);
    EXPECT_EQ(output.aux[0].name, "icl");
    EXPECT_LT(distance(output.aux[0].value, want.icl), 1e-12);
    EXPECT_EQ(output.aux[1].name, "idl");
    EXPECT_GT(want.idl.item<double>(), 0);
    EXPECT_LT(distance(output.aux[1].value, want.idl), 1e-12);
    const auto actual = torch::autograd::grad(
        {(output.scores * weights).sum() + output.aux[0].value + output.aux[1].value}, actual_inputs);
    for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_LT(distance(actual[i], wanted[i]), 1e-11) << i;
  }
}

TEST(GlsclHeadTest, ManyTextsAndLongVideosCrossTheKernelsBlocks) {
  torch::manual_seed(4);
  auto config = small_config();
  config.query_weight = 0;
  const auto head = head_of(config);
  auto literal = literal_of(config, *head);
  const auto items = random_items(1100, 70, 1, 20);
  EXPECT_LT(distance(scores_of(*head, items), judge(literal, items).global), 2e-6);
}

TEST(GlsclHeadTest, PaddingFramesDoNotChangeTheGlobalScore) {
  torch::manual_seed(5);
  auto config = small_config();
  config.query_weight = 0;
  const auto head = head_of(config);
  const auto items = random_items(3, 4, 5, 6);
  auto other = items;
  other.frames = torch::where((items.frame_mask == 0).unsqueeze(-1), 9.0F, items.frames);
  EXPECT_LT(distance(scores_of(*head, items), scores_of(*head, other)), 1e-6);
}

// Without care for them |v|^2 in Gram form would be off by a tenth here.
TEST(GlsclHeadTest, CancellingFramesKeepTheirDigits) {
  torch::manual_seed(8);
  auto config = small_config();
  config.query_weight = 0;
  const auto head = head_of(config);
  auto literal = literal_of(config, *head);
  auto items = random_items(5, 3, 4, 2);
  items.frame_mask.fill_(1);
  items.sentence.mul_(1e-3);  // every frame weighs nearly the same
  items.frames.select(1, 1) = -items.frames.select(1, 0) * 1.001;
  const auto want = judge(literal, items).global;
  EXPECT_LT(distance(scores_of(*head, items), want), 3e-3);
  items.frames.set_requires_grad(true);
  const auto [text, video] = prepare(*head, items);
  EXPECT_LT(distance(head->score(text, video), want), 3e-3);
}

TEST(GlsclHeadTest, ParameterNamesAreThoseOfTheRelease) {
  auto config = small_config();
  config.decoder_layers = 1;
  const auto names = [](const RetrievalHead& head) {
    std::vector<std::string> all;
    for (const auto& parameter : head.named_parameters()) all.push_back(parameter.key());
    return all;
  };
  const std::string layer = "transformer_decoder_noun.layers.0.";
  using testing::UnorderedElementsAre;
  EXPECT_THAT(
      names(*head_of(config)),
      UnorderedElementsAre("spatial_queries", layer + "self_attn.in_proj_weight", layer + "self_attn.in_proj_bias",
                           layer + "self_attn.out_proj.weight", layer + "self_attn.out_proj.bias",
                           layer + "multihead_attn.in_proj_weight", layer + "multihead_attn.in_proj_bias",
                           layer + "multihead_attn.out_proj.weight", layer + "multihead_attn.out_proj.bias",
                           layer + "linear1.weight", layer + "linear1.bias", layer + "linear2.weight",
                           layer + "linear2.bias", layer + "norm1.weight", layer + "norm1.bias", layer + "norm2.weight",
                           layer + "norm2.bias", layer + "norm3.weight", layer + "norm3.bias"));
  config.block = "cross_only";
  config.share_queries = false;
  EXPECT_THAT(
      names(*head_of(config)),
      UnorderedElementsAre("spatial_queries", "noun_queries", layer + "multihead_attn.in_proj_weight",
                           layer + "multihead_attn.in_proj_bias", layer + "multihead_attn.out_proj.weight",
                           layer + "multihead_attn.out_proj.bias", layer + "norm2.weight", layer + "norm2.bias"));
  EXPECT_TRUE(scores_of(*head_of(config), random_items(3, 4, 5, 6)).isfinite().all().item<bool>());
}

TEST(GlsclHeadTest, LayersStartAlikeAndQueriesBetweenZeroAndOne) {
  const auto parameters = head_of(small_config())->named_parameters();
  const std::string stack = "transformer_decoder_noun.layers.";
  for (const char* name : {"linear1.weight", "self_attn.in_proj_weight", "multihead_attn.out_proj.weight"}) {
    EXPECT_TRUE(torch::equal(parameters[stack + "0." + name], parameters[stack + "1." + name]));
  }
  EXPECT_GE(parameters["spatial_queries"].min().item<double>(), 0);
  EXPECT_LT(parameters["spatial_queries"].max().item<double>(), 1);
}

TEST(GlsclHeadTest, DropoutWorksInTrainingAloneAndModelDropoutReplacesIt) {
  torch::manual_seed(11);
  const auto items = random_items(3, 4, 5, 6);
  const auto changes = [&](double dropout, bool training) {
    auto config = small_config();
    config.dropout = 0.5;
    const auto head = head_of(config, dropout);
    head->train(training);
    return distance(scores_of(*head, items), scores_of(*head, items)) > 1e-6;
  };
  EXPECT_TRUE(changes(/*dropout=*/-1, /*training=*/true));
  EXPECT_FALSE(changes(/*dropout=*/-1, /*training=*/false));
  EXPECT_FALSE(changes(/*dropout=*/0, /*training=*/true));
}

void expect_error(const GlsclConfig& config, const std::string& words) {
  try {
    head_of(config);
    ADD_FAILURE() << "no error with '" << words << "'";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(words));
  }
}

TEST(GlsclHeadTest, SettingsThatDoNotFitNameTheirKey) {
  auto config = small_config();
  config.decoder_heads = 3;
  expect_error(config, "config.head.decoder_heads: 3 does not divide the width 16");
  config = small_config();
  config.icl_normaliser = "frames";
  expect_error(config, "config.head.icl_normaliser: 'frames'");
  config = small_config();
  config.block = "half";
  expect_error(config, "config.head.block: 'half'");
  config = small_config();
  config.idl_modalities = "text";
  expect_error(config, "config.head.idl_modalities: 'text'");
}

}  // namespace
}  // namespace glint::glscl_test

namespace glint::test {
namespace {

std::vector<Kind> glscl_kinds() {
  GlsclConfig small, masked;
  small.queries = 3;
  small.decoder_layers = 2;
  small.decoder_ffn = 24;
  masked = small;
  masked.mask_local = true;
  return {kind("glscl", small, {}),
          kind("glscl masked", masked, {.hides_words = true, .hides_frames = true, .has_literal = false})};
}

const AddKinds glscl_added(glscl_kinds());

}  // namespace
}  // namespace glint::test
