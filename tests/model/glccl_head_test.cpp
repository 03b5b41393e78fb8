#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "glint/core/error.h"
#include "glint/model/head.h"
#include "model/head_kinds.h"
#include "model/head_support.h"
#include "model/literal/glccl.h"

namespace glint::glccl_test {
namespace {

using test::distance;
using test::Prepared;
using test::scores_of;

constexpr int64_t kWidth = 16;

struct Shape {
  int64_t texts, videos, words, frames;
};

struct Items {
  torch::Tensor sentence, words, word_mask, frames, frame_mask;
};

// Random features; item i has 1 + i mod (its longest) real words or frames.
Items random_items(const Shape& shape, torch::ScalarType type = torch::kFloat) {
  const auto normal = [&](std::vector<int64_t> sizes) { return torch::randn(sizes, type); };
  const auto [A, B, L, T] = shape;
  return {normal({A, kWidth}), normal({A, L, kWidth}), test::prefix_mask(A, L), normal({B, T, kWidth}),
          test::prefix_mask(B, T)};
}

// With matrices that are not their start, so that no two of them can be mixed up.
std::shared_ptr<RetrievalHead> head_of(const GlcclConfig& config, const Shape& shape) {
  const auto head = make_head(config, {kWidth, shape.words, shape.frames});
  torch::NoGradGuard no_grad;
  for (auto& parameter : head->parameters()) parameter.add_(torch::randn_like(parameter) * 0.2);
  return head;
}

Prepared prepare(RetrievalHead& head, const Items& items) {
  return {head.prepare_text({items.sentence, items.words, items.word_mask, {}}),
          head.prepare_video({items.frames, items.frames, items.frame_mask, {}})};
}

// The literal form with the head's parameters, in double precision.
literal::Glccl literal_of(const GlcclConfig& config, const RetrievalHead& head, const Shape& shape) {
  literal::Glccl literal(config, kWidth, shape.words, shape.frames);
  literal.to(torch::kDouble);
  torch::NoGradGuard no_grad;
  const auto parameters = head.named_parameters();
  for (auto& parameter : literal.named_parameters()) parameter.value().copy_(parameters[parameter.key()]);
  return literal;
}

literal::Glccl::Scores judge(literal::Glccl& literal, const Items& items) {
  return literal.forward(items.sentence.to(torch::kDouble), items.words.to(torch::kDouble),
                         items.frames.to(torch::kDouble), items.word_mask, items.frame_mask);
}

// Every variant of GLIM, with and without masks.
std::vector<GlcclConfig> variants() {
  std::vector<GlcclConfig> all(5);
  all[1].mask_words = true;
  all[2].mask_frames = true;
  all[3].aggregation = "softmax_linear_softmax";
  all[3].mask_words = all[3].mask_frames = true;
  all[4].aggregation = "mlp_softmax";
  all[4].csc_denominator = "offdiag";
  for (auto& config : all) config.score_temperature = 0.05;  // kinder to float32 than the released 0.01
  return all;
}

TEST(GlcclHeadTest, ScoresMatchTheLiteralFormForAnyShape) {
  torch::manual_seed(1);
  for (const auto& config : variants()) {
    for (const auto& shape :
         std::vector<Shape>{{1, 1, 1, 1}, {1, 9, 5, 6}, {40, 1, 2, 3}, {3, 4, 5, 6}, {33, 35, 17, 7}, {5, 3, 34, 20}}) {
      const auto head = head_of(config, shape);
      auto literal = literal_of(config, *head, shape);
      const auto items = random_items(shape);
      EXPECT_LT(distance(scores_of(*head, items), judge(literal, items).all), 2e-5)
          << config.aggregation << " " << shape.texts << " " << shape.videos << " " << shape.words << " "
          << shape.frames;
    }
  }
}

// In double precision, so that nothing but the formula can differ.
TEST(GlcclHeadTest, ScoresAndLossAndGradientsMatchTheLiteralForm) {
  const Shape shape{5, 5, 4, 6};
  for (const auto& config : variants()) {
    torch::manual_seed(2);
    const auto head = head_of(config, shape);
    head->to(torch::kDouble);
    auto literal = literal_of(config, *head, shape);
    auto items = random_items(shape, torch::kDouble);
    for (auto* tensor : {&items.sentence, &items.words, &items.frames}) tensor->set_requires_grad(true);
    std::vector<torch::Tensor> wanted_inputs = {items.sentence, items.words, items.frames};
    auto actual_inputs = wanted_inputs;
    const auto parameters = head->named_parameters();
    for (const auto& parameter : literal.named_parameters()) {
      wanted_inputs.push_back(parameter.value());
      actual_inputs.push_back(parameters[parameter.key()]);
    }
    const auto weights = torch::randn({5, 5}, torch::kDouble);
    const auto want = judge(literal, items);
    const auto wanted =
        torch::autograd::grad({(want.all * weights).sum() + config.csc_weight * want.csc}, wanted_inputs);
    const auto [text, video] = prepare(*head, items);
    const auto output = head->score_pairs(text, video);
    EXPECT_LT(distance(output.scores, want.all), 1e-12);
    ASSERT_EQ(output.aux.size(), 1U);
    EXPECT_EQ(output.aux[0].name, "csc");
    EXPECT_LT(distance(output.aux[0].value, config.csc_weight * want.csc), 1e-12);
    const auto actual = torch::autograd::grad({(output.scores * weights).sum() + output.aux[0].value}, actual_inputs);
    for (std::size_t i = 0; i < actual.size(); ++i) {
      EXPECT_LT(distance(actual[i], wanted[i]), 1e-10) << config.aggregation << " " << i;
    }
  }
}

// Float32 takes other paths than double; enough pairs for several blocks.
TEST(GlcclHeadTest, GradientsInFloatAreThoseInDouble) {
  const Shape shape{37, 37, 21, 7};
  for (const auto& config : variants()) {
    torch::manual_seed(3);
    const auto weights = torch::randn({37, 37});
    const auto head = head_of(config, shape);
    const auto items = random_items(shape);
    const auto gradients = [&](torch::ScalarType type) {
      head->to(type);
      head->zero_grad();
      auto typed = items;
      for (auto* tensor : {&typed.sentence, &typed.words, &typed.frames}) {
        *tensor = tensor->to(type).detach().clone().set_requires_grad(true);
      }
      const auto [text, video] = prepare(*head, typed);
      (head->score(text, video) * weights).sum().backward();
      std::vector<torch::Tensor> all = {typed.sentence.grad(), typed.words.grad(), typed.frames.grad()};
      for (const auto& parameter : head->parameters()) all.push_back(parameter.grad().clone());
      return all;
    };
    const auto single = gradients(torch::kFloat), exact = gradients(torch::kDouble);
    for (std::size_t i = 0; i < exact.size(); ++i) {
      EXPECT_LT(distance(single[i], exact[i]), 2e-4 * exact[i].abs().max().item<double>())
          << config.aggregation << " " << i;
    }
  }
}

TEST(GlcclHeadTest, OnePairHasNoConsistencyLoss) {
  torch::manual_seed(8);
  const Shape shape{1, 1, 1, 1};
  const auto head = head_of(GlcclConfig{}, shape);
  auto items = random_items(shape);
  items.frames.set_requires_grad(true);
  const auto [text, video] = prepare(*head, items);
  const auto output = head->score_pairs(text, video);
  EXPECT_EQ(output.aux[0].value.item<double>(), 0);
  (output.scores.sum() + output.aux[0].value).backward();
  EXPECT_TRUE(items.frames.grad().isfinite().all().item<bool>());
}

// Without care for them |f|^2 in Gram form would be off by a tenth here.
TEST(GlcclHeadTest, CancellingFramesKeepTheirDigits) {
  torch::manual_seed(9);
  const Shape shape{5, 3, 4, 2};
  GlcclConfig config;
  config.score_temperature = 1;
  const auto head = head_of(config, shape);
  auto literal = literal_of(config, *head, shape);
  auto items = random_items(shape);
  items.sentence.mul_(1e-3);  // every frame weighs nearly the same
  items.words.mul_(1e-3);
  items.frames.select(1, 1) = -items.frames.select(1, 0) * 1.001;
  const auto want = judge(literal, items).all;
  EXPECT_LT(distance(scores_of(*head, items), want), 1e-2);
  items.frames.set_requires_grad(true);
  const auto [text, video] = prepare(*head, items);
  EXPECT_LT(distance(head->score(text, video), want), 1e-2);
}

TEST(GlcclHeadTest, PreparingDropsWhatScoringDoesNotNeed) {
  const Shape shape{3, 4, 5, 6};
  const auto head = head_of(GlcclConfig{}, shape);
  const auto [text, video] = prepare(*head, random_items(shape));
  for (const auto& tensor : {text.words, text.sentence, text.mask, video.frames, video.clip_frames, video.mask}) {
    EXPECT_FALSE(tensor.defined());
  }
  EXPECT_EQ(size(text), 3);
  EXPECT_EQ(size(video), 4);
}

TEST(GlcclHeadTest, ParameterNamesAreThoseOfTheReleaseAndStartAsIdentities) {
  GlcclConfig config;
  config.aggregation = "softmax_linear_softmax";
  const auto head = make_head(config, {kWidth, /*max_words=*/5, /*max_frames=*/6});
  std::map<std::string, int64_t> sides;
  for (const auto& parameter : head->named_parameters()) {
    sides[parameter.key()] = parameter.value().size(0);
    EXPECT_TRUE(torch::equal(parameter.value(), torch::eye(parameter.value().size(0)))) << parameter.key();
    EXPECT_EQ(head->reference_names().at(parameter.key()), parameter.key());
  }
  EXPECT_THAT(sides, testing::UnorderedElementsAre(
                         testing::Pair("global_mat_weight", kWidth), testing::Pair("local_mat_weight", kWidth),
                         testing::Pair("word_logit_weight", 5), testing::Pair("word_frame_logit_weight", 5),
                         testing::Pair("word_mat_weight", 5), testing::Pair("word_frame_mat_weight", 5),
                         testing::Pair("word_mat_weight2", 5), testing::Pair("word_frame_mat_weight2", 5),
                         testing::Pair("visual_logit_weight", 6)));
  EXPECT_FALSE(make_head(GlcclConfig{}, {kWidth, 5, 6})->named_parameters().contains("visual_logit_weight"));
}

void expect_error(const std::function<void()>& work, const std::string& words) {
  try {
    work();
    ADD_FAILURE() << "no error with '" << words << "'";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(words));
  }
}

TEST(GlcclHeadTest, SizesAndSettingsThatDoNotFitNameTheirKey) {
  GlcclConfig config;
  config.aggregation = "mean";
  expect_error([&] { make_head(config, {kWidth, 5, 6}); }, "config.head.aggregation: 'mean'");
  config = {};
  config.csc_denominator = "all";
  expect_error([&] { make_head(config, {kWidth, 5, 6}); }, "config.head.csc_denominator: 'all'");
  config = {};
  config.aggregation = "softmax_linear_softmax";
  const auto head = make_head(config, {kWidth, 5, 6});
  expect_error(
      [&] {
        prepare(*head, random_items({2, 2, 4, 6}));
      },
      "config.text.max_words: captions of 4 tokens, but the matrices of glccl are for 5");
  expect_error(
      [&] {
        prepare(*head, random_items({2, 2, 5, 7}));
      },
      "config.video.num_frames: videos of 7 frames, but visual_logit_weight is for 6");
}

}  // namespace
}  // namespace glint::glccl_test

namespace glint::test {
namespace {

std::vector<Kind> glccl_kinds() {
  GlcclConfig mild;
  mild.score_temperature = 0.05;  // kinder to float32 than the released 0.01
  std::vector<GlcclConfig> of(4, mild);
  of[1].mask_words = true;
  of[2].mask_words = of[2].mask_frames = true;
  of[2].aggregation = "softmax_linear_softmax";
  of[3].mask_frames = true;
  of[3].aggregation = "mlp_softmax";
  of[3].csc_denominator = "offdiag";
  return {kind("glccl", of[0], {.zero = Zero::kEither}),
          kind("glccl, words masked", of[1], {.hides_words = true, .zero = Zero::kEither}),
          kind("glccl, softmax_linear_softmax, masked", of[2],
               {.hides_words = true, .hides_frames = true, .zero = Zero::kEither}),
          kind("glccl, mlp_softmax, frames masked", of[3], {.hides_frames = true, .zero = Zero::kEither})};
}

const AddKinds glccl_added(glccl_kinds());

}  // namespace
}  // namespace glint::test
