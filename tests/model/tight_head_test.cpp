#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "glint/core/error.h"
#include "glint/model/head.h"
#include "model/head_kinds.h"
#include "model/head_support.h"
#include "model/literal/tight.h"

namespace glint::tight_test {
namespace {

using test::distance;
using test::Prepared;
using test::scores_of;

using ::testing::ThrowsMessage;

constexpr int64_t kWidth = 128;  // two heads

struct Items {
  torch::Tensor sentence, frames, mask;
};

// Random features; video i has 1 + i mod T real frames.
Items random_items(int64_t A, int64_t B, int64_t T, torch::ScalarType type = torch::kFloat) {
  const auto mask = test::prefix_mask(B, T);
  return {torch::randn({A, kWidth}, type), torch::randn({B, T, kWidth}, type), mask};
}

Prepared prepare(RetrievalHead& head, const Items& items) {
  return {head.prepare_text({items.sentence, {}, {}, {}}),
          head.prepare_video({items.frames, items.frames, items.mask, {}})};
}

// A head as after some training, whose biases are no longer zero.
std::shared_ptr<RetrievalHead> head_of(int64_t layers, double dropout = 0) {
  TightConfig config;
  config.layers = layers;
  config.dropout = dropout;
  auto head = make_head(config, {.width = kWidth, .max_words = 5, .max_frames = 7, .positions = 11});
  torch::NoGradGuard no_grad;
  for (auto& parameter : head->parameters()) parameter.add_(torch::randn_like(parameter) * 0.05);
  return head;
}

TensorMap exact_parameters(const RetrievalHead& head) {
  TensorMap parameters;
  for (const auto& item : head.named_parameters()) {
    parameters[item.key()] = item->detach().to(torch::kDouble).set_requires_grad(true);
  }
  return parameters;
}

TEST(TightHeadTest, ScoresMatchTheLiteralFormForAnyShape) {
  torch::manual_seed(1);
  for (const auto& [A, B, T, layers] :
       std::vector<std::array<int64_t, 4>>{{1, 1, 1, 1}, {1, 5, 7, 2}, {6, 1, 2, 1}, {3, 4, 6, 3}, {27, 39, 7, 1}}) {
    const auto head = head_of(layers);
    const auto items = random_items(A, B, T);
    const auto scores = scores_of(*head, items);
    ASSERT_EQ(scores.sizes(), (std::vector<int64_t>{A, B}));
    const auto want = literal::tight(exact_parameters(*head), items.sentence.to(torch::kDouble),
                                     items.frames.to(torch::kDouble), items.mask);
    EXPECT_LT(distance(scores, want), 1e-5 * (1 + want.abs().max().item<double>())) << A << " " << B << " " << T;
  }
}

TEST(TightHeadTest, ScoresAndGradientsMatchTheLiteralForm) {
  torch::manual_seed(2);
  for (const auto& [A, B, layers] : std::vector<std::array<int64_t, 3>>{{3, 4, 2}, {19, 14, 1}}) {
    const auto head = head_of(layers);
    head->to(torch::kDouble);
    const auto parameters = exact_parameters(*head);
    const auto items = random_items(A, B, 7, torch::kDouble);
    std::vector<torch::Tensor> wanted_inputs = {items.sentence, items.frames};
    for (const auto& tensor : wanted_inputs) tensor.set_requires_grad(true);
    auto actual_inputs = wanted_inputs;
    for (const auto& item : head->named_parameters()) {
      wanted_inputs.push_back(parameters.at(item.key()));
      actual_inputs.push_back(item.value());
    }
    const auto probe = torch::randn({A, B}, torch::kDouble);
    const auto want = literal::tight(parameters, items.sentence, items.frames, items.mask);
    const auto wanted = torch::autograd::grad({(want * probe).sum()}, wanted_inputs);
    const auto [text, video] = prepare(*head, items);
    const auto output = head->score_pairs(text, video);
    EXPECT_TRUE(output.aux.empty());
    EXPECT_LT(distance(output.scores, want), 1e-10);
    const auto actual = torch::autograd::grad({(output.scores * probe).sum()}, actual_inputs);
    for (std::size_t i = 0; i < actual.size(); ++i) {
      EXPECT_LT(distance(actual[i], wanted[i]), 1e-9 * (1 + wanted[i].abs().max().item<double>())) << i;
    }
  }
}

TEST(TightHeadTest, PaddingFramesDoNotChangeTheScore) {
  torch::manual_seed(5);
  const auto head = head_of(3);
  const auto items = random_items(3, 4, 6);
  auto other = items;
  other.frames = torch::where((items.mask == 0).unsqueeze(-1), 9.0F, items.frames);
  EXPECT_TRUE(torch::equal(scores_of(*head, items), scores_of(*head, other)));
  const Items shorter = {items.sentence, items.frames.narrow(1, 0, 4), items.mask.narrow(1, 0, 4)};
  EXPECT_LT(distance(scores_of(*head, items), scores_of(*head, shorter)), 1e-5);  // no video of more than 4
}

TEST(TightHeadTest, NothingToCompareGivesFiniteScoresAndGradients) {
  torch::manual_seed(6);
  const auto head = head_of(2);
  {
    torch::NoGradGuard no_grad;  // a zero sentence and a zero frame reach the layer norms as zeros
    head->named_parameters()["position_embeddings"].zero_();
  }
  auto items = random_items(4, 4, 6);
  items.sentence[1].zero_();
  items.mask[0].zero_();
  items.frames[1].zero_();
  items.frames[2][0].zero_();
  items.sentence.set_requires_grad(true);
  items.frames.set_requires_grad(true);
  const auto [text, video] = prepare(*head, items);
  const auto scores = head->score_pairs(text, video).scores;
  EXPECT_TRUE(scores.isfinite().all().item<bool>());
  scores.sum().backward();
  EXPECT_TRUE(items.sentence.grad().isfinite().all().item<bool>());
  EXPECT_TRUE(items.frames.grad().isfinite().all().item<bool>());
  for (const auto& parameter : head->parameters()) EXPECT_TRUE(parameter.grad().isfinite().all().item<bool>());
}

// The backward pass computes blocks again; it must see the dropout that the scores saw. A sum over pairs is linear in
// similarity_dense, so its gradient gives the scores back.
TEST(TightHeadTest, DropoutIsTheSameInBothPassesAndOffInEvaluation) {
  torch::manual_seed(8);
  const auto head = head_of(2, 0.4);
  const auto items = random_items(17, 17, 7);  // more than one block
  const auto [text, video] = prepare(*head, items);
  const auto scores = head->score_pairs(text, video).scores;
  const auto weight = head->named_parameters()["similarity_dense.weight"];
  const auto bias = head->named_parameters()["similarity_dense.bias"];
  const auto gradients = torch::autograd::grad({scores.sum()}, {weight, bias});
  const auto again = (gradients[0] * weight).sum() + (gradients[1] * bias).sum();
  EXPECT_NEAR(again.item<double>(), scores.sum().item<double>(), 1e-4 * scores.abs().sum().item<double>());
  EXPECT_GT(distance(head->score_pairs(text, video).scores, scores), 1e-3);  // each call draws anew
  head->eval();
  EXPECT_TRUE(torch::equal(scores_of(*head, items), scores_of(*head, items)));
  const auto want = literal::tight(exact_parameters(*head), items.sentence.to(torch::kDouble),
                                   items.frames.to(torch::kDouble), items.mask);
  EXPECT_LT(distance(scores_of(*head, items), want), 1e-4);
}

TEST(TightHeadTest, ParametersHaveTheNamesOfTheRelease) {
  const auto names = head_of(2)->reference_names();
  EXPECT_EQ(names.size(), 1U + 2 * 12 + 6);
  EXPECT_EQ(names.at("position_embeddings"), "cross.embeddings.position_embeddings.weight");
  EXPECT_EQ(names.at("resblocks.1.mlp.c_fc.bias"), "cross.transformer.resblocks.1.mlp.c_fc.bias");
  EXPECT_EQ(names.at("ln_pool.weight"), "cross.pooler.ln_pool.weight");
  EXPECT_EQ(names.at("dense.bias"), "cross.pooler.dense.bias");
  EXPECT_EQ(names.at("similarity_dense.weight"), "similarity_dense.weight");
}

TEST(TightHeadTest, SizesThatDoNotFitNameTheirSetting) {
  const auto expect = [](const TightConfig& config, const FeatureShape& shape, const char* message) {
    EXPECT_THAT([&] { make_head(config, shape); }, ThrowsMessage<Error>(message));
  };
  expect({}, {.width = 128, .max_words = 32, .max_frames = 96},
         "config.video.num_frames: 96 and the sentence exceed the position table's 77 rows");
  expect({}, {.width = 100, .max_words = 32, .max_frames = 12},
         "config.model.towers.embed_dim: 100 is not a multiple of 64, which the tight head needs");
  expect({.layers = 0}, {.width = 128, .max_words = 32, .max_frames = 12}, "config.head.layers: 0 is not above 0");
  expect({.dropout = 1}, {.width = 128, .max_words = 32, .max_frames = 12}, "config.head.dropout: 1 is not in [0, 1)");
  EXPECT_THROW(prepare(*head_of(1), random_items(2, 2, 11)), Bug);
}

}  // namespace
}  // namespace glint::tight_test

namespace glint::test {
namespace {

std::vector<Kind> tight_kinds() {
  return {kind("tight", TightConfig{.layers = 2}, {.hides_words = true, .hides_frames = true})};
}

const AddKinds tight_added(tight_kinds());

}  // namespace
}  // namespace glint::test
