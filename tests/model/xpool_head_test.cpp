#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "glint/core/error.h"
#include "glint/model/head.h"
#include "model/head_kinds.h"
#include "model/head_support.h"
#include "model/heads/xpool_scores.h"
#include "model/literal/xpool.h"

namespace glint::xpool_test {
namespace {

using test::distance;
using test::Prepared;
using test::scores_of;

constexpr int64_t kWidth = 24;

struct Items {
  torch::Tensor sentence, frames;
};

Items random_items(int64_t A, int64_t B, int64_t T, torch::ScalarType type = torch::kFloat) {
  return {torch::randn({A, kWidth}, type), torch::randn({B, T, kWidth}, type)};
}

Prepared prepare(RetrievalHead& head, const Items& items) {
  TextFeatures text;
  text.sentence = items.sentence;
  VideoFeatures video;
  video.frames = items.frames;
  return {head.prepare_text(text), head.prepare_video(video)};
}

// A head as after some training: no longer identities, ones and zeros. In evaluation mode.
std::shared_ptr<RetrievalHead> head_of(double dropout = 0) {
  XpoolConfig config;
  config.dropout = dropout;
  auto head = make_head(config, {kWidth, 0, 0});
  torch::NoGradGuard no_grad;
  for (auto& parameter : head->parameters()) parameter.add_(torch::randn_like(parameter) * 0.2);
  head->eval();
  return head;
}

literal::Xpool literal_of(const RetrievalHead& head) {
  literal::Xpool literal;
  for (const auto& parameter : head.named_parameters()) {
    literal.weights[parameter.key()] = parameter->detach().to(torch::kDouble).requires_grad_();
  }
  return literal;
}

torch::Tensor judge(const RetrievalHead& head, const Items& items) {
  return literal_of(head).scores(items.sentence.to(torch::kDouble), items.frames.to(torch::kDouble));
}

TEST(XpoolHeadTest, ScoresMatchTheLiteralFormForAnyShape) {
  torch::manual_seed(1);
  const auto head = head_of();
  for (const auto& [A, B, T] : std::vector<std::array<int64_t, 3>>{
           {1, 1, 1}, {1, 9, 6}, {70, 1, 3}, {3, 4, 12}, {33, 35, 7}, {17, 50, 64}, {1100, 70, 3}}) {
    const auto items = random_items(A, B, T);
    const auto scores = scores_of(*head, items);
    ASSERT_EQ(scores.sizes(), (std::vector<int64_t>{A, B}));
    EXPECT_LT(distance(scores, judge(*head, items)), 3e-6) << A << " " << B << " " << T;
  }
}

TEST(XpoolHeadTest, ScoresAndGradientsMatchTheLiteralForm) {
  torch::manual_seed(2);
  for (const auto& [A, B, T] : std::vector<std::array<int64_t, 3>>{{5, 5, 6}, {260, 230, 3}}) {
    const auto head = head_of();
    head->to(torch::kDouble);
    head->train();
    const auto literal = literal_of(*head);
    const auto items = random_items(A, B, T, torch::kDouble);
    std::vector<torch::Tensor> wanted_inputs = {items.sentence, items.frames};
    for (const auto& tensor : wanted_inputs) tensor.set_requires_grad(true);
    auto actual_inputs = wanted_inputs;
    for (const auto& parameter : head->named_parameters()) {
      actual_inputs.push_back(parameter.value());
      wanted_inputs.push_back(literal.weights.at(parameter.key()));
    }
    const auto weights = torch::randn({A, B}, torch::kDouble);
    const auto want = literal.scores(items.sentence, items.frames);
    const auto wanted = torch::autograd::grad({(want * weights).sum()}, wanted_inputs);
    const auto [text, video] = prepare(*head, items);
    const auto output = head->score_pairs(text, video);
    EXPECT_TRUE(output.aux.empty());
    EXPECT_LT(distance(output.scores, want), 1e-12);
    const auto actual = torch::autograd::grad({(output.scores * weights).sum()}, actual_inputs);
    for (std::size_t i = 0; i < actual.size(); ++i) {
      EXPECT_LT(distance(actual[i], wanted[i]), 1e-11 * (1 + wanted[i].abs().max().item<double>())) << i;
    }
  }
}

// Without care for them the squares in Gram form would be rounding alone here.
TEST(XpoolHeadTest, CancellingFramesKeepTheirDigits) {
  torch::manual_seed(6);
  const auto head = make_head(XpoolConfig{}, {kWidth, 0, 0});
  head->eval();
  auto items = random_items(5, 3, 2);
  items.sentence.fill_(1);
  items.sentence.select(1, 3).fill_(1.001);  // every frame weighs nearly the same
  items.frames = 100 * (items.frames - items.frames.mean(-1, true));
  items.frames.select(1, 1) = -items.frames.select(1, 0);
  items.frames.select(2, 0).add_(0.01);
  EXPECT_LT(distance(scores_of(*head, items), judge(*head, items)), 2e-3);
}

TEST(XpoolHeadTest, DropoutWorksInTrainingAloneAndItsGradientsSeeTheMaskOfTheScores) {
  torch::manual_seed(9);
  const auto head = head_of(/*dropout=*/0.4);
  head->to(torch::kDouble);
  const auto items = random_items(4, 3, 5, torch::kDouble);
  EXPECT_LT(distance(scores_of(*head, items), judge(*head, items)), 1e-12);
  head->train();
  EXPECT_GT(distance(scores_of(*head, items), scores_of(*head, items)), 1e-4);
  const auto score = [&](const torch::Tensor& frames) {
    torch::manual_seed(10);  // the same mask each time
    const auto [text, video] = prepare(*head, {items.sentence, frames});
    return head->score(text, video).sum();
  };
  auto frames = items.frames.clone().set_requires_grad(true);
  const auto gradient = torch::autograd::grad({score(frames)}, {frames})[0];
  torch::NoGradGuard no_grad;
  const auto step = torch::randn_like(frames) * 1e-5;
  const auto slope = (score(frames + step) - score(frames - step)).item<double>() / 2;
  EXPECT_NEAR(slope, (gradient * step).sum().item<double>(), 1e-10);
}

TEST(XpoolHeadTest, DropoutLeavesTheExpectedPooledVideo) {
  torch::manual_seed(11);
  XpoolPairs pairs;
  pairs.query = torch::randn({2, kWidth}, torch::kDouble);
  pairs.keys = torch::randn({3, 5, kWidth}, torch::kDouble);
  pairs.attended = torch::randn({3, 5, kWidth}, torch::kDouble);
  pairs.mixed = torch::randn({3, 5, kWidth}, torch::kDouble);
  pairs.start = pairs.shift2 = torch::randn({kWidth}, torch::kDouble);
  pairs.scale2 = pairs.scale3 = torch::ones({kWidth}, torch::kDouble);
  pairs.shift3 = torch::zeros({kWidth}, torch::kDouble);
  pairs.dropout = 0.5;
  EXPECT_EQ(distance(xpool_pooled(pairs, 1), xpool_pooled(pairs, 1)), 0);
  EXPECT_GT(distance(xpool_pooled(pairs, 1), xpool_pooled(pairs, 2)), 0.1);
  pairs.dropout = 1e-300;  // a mask of ones
  auto whole = pairs;
  whole.dropout = 0;
  whole.mixed = pairs.mixed + pairs.attended;  // g2 = 1
  whole.start = pairs.start + pairs.shift2;
  EXPECT_LT(distance(xpool_pooled(pairs, 1), xpool_pooled(whole, 1)), 1e-12);
}

TEST(XpoolHeadTest, AvgComparesWithTheMeanOfTheUnitFrames) {
  torch::manual_seed(12);
  XpoolConfig config;
  config.pooling = "avg";
  const auto head = make_head(config, {kWidth, 0, 0});
  EXPECT_TRUE(head->parameters().empty());
  auto items = random_items(3, 4, 5);
  const auto mean = (items.frames / items.frames.norm(2, -1, true)).mean(1);
  const auto want = torch::mm(items.sentence / items.sentence.norm(2, -1, true), (mean / mean.norm(2, -1, true)).t());
  EXPECT_LT(distance(scores_of(*head, items), want), 1e-6);
  items.sentence[1].zero_();
  items.frames[2].zero_();
  EXPECT_TRUE(scores_of(*head, items).isfinite().all().item<bool>());
  config.pooling = "max";
  EXPECT_THROW(make_head(config, {kWidth, 0, 0}), Error);
}

TEST(XpoolHeadTest, ParametersAreThoseOfTheReleaseAndStartAsIdentities) {
  const auto head = make_head(XpoolConfig{}, {kWidth, 0, 0});
  std::vector<std::string> names;
  for (const auto& parameter : head->named_parameters()) {
    names.push_back(parameter.key());
    EXPECT_EQ(head->reference_names().at(parameter.key()), parameter.key());
    const bool is_norm = parameter.key().find("layer_norm") != std::string::npos;
    const auto want = parameter->dim() == 2                      ? torch::eye(kWidth)
                      : is_norm && parameter.key().back() == 't' ? torch::ones({kWidth})
                                                                 : torch::zeros({kWidth});
    EXPECT_TRUE(torch::equal(parameter.value(), want)) << parameter.key();
  }
  const std::string attention = "pool_frames.cross_attn.", pool = "pool_frames.";
  EXPECT_THAT(names, testing::UnorderedElementsAre(
                         attention + "q_proj.weight", attention + "q_proj.bias", attention + "k_proj.weight",
                         attention + "k_proj.bias", attention + "v_proj.weight", attention + "v_proj.bias",
                         attention + "out_proj.weight", attention + "out_proj.bias", pool + "linear_proj.weight",
                         pool + "linear_proj.bias", pool + "layer_norm1.weight", pool + "layer_norm1.bias",
                         pool + "layer_norm2.weight", pool + "layer_norm2.bias", pool + "layer_norm3.weight",
                         pool + "layer_norm3.bias"));
}

}  // namespace
}  // namespace glint::xpool_test

namespace glint::test {
namespace {

std::vector<Kind> xpool_kinds() {
  XpoolConfig mean;
  mean.pooling = "avg";
  return {kind("xpool", XpoolConfig{}, {.hides_words = true, .zero = Zero::kText}),
          kind("xpool avg", mean, {.hides_words = true, .zero = Zero::kEither, .has_literal = false})};
}

const AddKinds xpool_added(xpool_kinds());

}  // namespace
}  // namespace glint::test
