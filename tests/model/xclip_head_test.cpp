#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "glint/core/error.h"
#include "glint/model/head.h"
#include "model/head_kinds.h"
#include "model/head_support.h"
#include "model/literal/xclip.h"

namespace glint::xclip_test {
namespace {

using test::distance;
using test::Prepared;
using test::scores_of;

constexpr int64_t kWidth = 16;

struct Items {
  torch::Tensor sentence, words, frames, clip_frames, mask;
};

// Random features; video i has 1 + i mod T real frames.
Items random_items(int64_t A, int64_t B, int64_t L, int64_t T, torch::ScalarType type = torch::kFloat) {
  const auto mask = test::prefix_mask(B, T);
  const auto normal = [&](std::vector<int64_t> shape) { return torch::randn(shape, type); };
  return {normal({A, kWidth}), normal({A, L, kWidth}), normal({B, T, kWidth}), normal({B, T, kWidth}), mask};
}

Prepared prepare(RetrievalHead& head, const Items& items) {
  return {head.prepare_text({items.sentence, items.words, torch::ones({items.words.size(0), items.words.size(1)}), {}}),
          head.prepare_video({items.frames, items.clip_frames, items.mask, {}})};
}

// A head as after some training: its matrices are no longer identities.
std::shared_ptr<RetrievalHead> head_of(int64_t L, int64_t T) {
  auto head = make_head(XclipConfig{}, {kWidth, L, T});
  torch::NoGradGuard no_grad;
  for (auto& parameter : head->parameters()) parameter.add_(torch::randn_like(parameter) * 0.1);
  return head;
}

// The literal form with the head's parameters, in double precision.
literal::Xclip literal_of(const RetrievalHead& head, int64_t L, int64_t T) {
  literal::Xclip literal(XclipConfig{}, kWidth, L, T);
  literal.to(torch::kDouble);
  torch::NoGradGuard no_grad;
  const auto parameters = head.named_parameters();
  for (auto& parameter : literal.named_parameters()) parameter.value().copy_(parameters[parameter.key()]);
  return literal;
}

torch::Tensor judge(literal::Xclip& literal, const Items& items) {
  const auto exact = [](const torch::Tensor& tensor) { return tensor.to(torch::kDouble); };
  return literal
      .forward(exact(items.sentence), exact(items.words), exact(items.frames), exact(items.clip_frames), items.mask)
      .all;
}

TEST(XclipHeadTest, ScoresMatchTheLiteralFormForAnyShape) {
  torch::manual_seed(1);
  for (const auto& [A, B, L, T] : std::vector<std::array<int64_t, 4>>{
           {1, 1, 1, 1}, {1, 9, 5, 6}, {70, 1, 2, 3}, {3, 4, 32, 12}, {33, 35, 4, 7}, {17, 150, 13, 64}}) {
    const auto head = head_of(L, T);
    auto literal = literal_of(*head, L, T);
    const auto items = random_items(A, B, L, T);
    const auto scores = scores_of(*head, items);
    ASSERT_EQ(scores.sizes(), (std::vector<int64_t>{A, B}));
    EXPECT_LT(distance(scores, judge(literal, items)), 5e-6) << A << " " << B << " " << L << " " << T;
  }
}

TEST(XclipHeadTest, ScoresAndGradientsMatchTheLiteralForm) {
  torch::manual_seed(2);
  for (const auto& [A, B, L, T] : std::vector<std::array<int64_t, 4>>{{5, 5, 4, 6}, {40, 90, 20, 20}}) {
    const auto head = head_of(L, T);
    head->to(torch::kDouble);
    auto literal = literal_of(*head, L, T);
    auto items = random_items(A, B, L, T, torch::kDouble);
    std::vector<torch::Tensor> inputs = {items.sentence, items.words, items.frames, items.clip_frames};
    for (const auto& tensor : inputs) tensor.set_requires_grad(true);
    auto wanted_inputs = inputs, actual_inputs = inputs;
    for (const auto& parameter : literal.named_parameters()) {
      wanted_inputs.push_back(parameter.value());
      actual_inputs.push_back(head->named_parameters()[parameter.key()]);
    }
    const auto weights = torch::randn({A, B}, torch::kDouble);
    const auto want = judge(literal, items);
    const auto wanted = torch::autograd::grad({(want * weights).sum()}, wanted_inputs);
    const auto [text, video] = prepare(*head, items);
    const auto output = head->score_pairs(text, video);
    EXPECT_TRUE(output.aux.empty());
    EXPECT_LT(distance(output.scores, want), 1e-12);
    const auto actual = torch::autograd::grad({(output.scores * weights).sum()}, actual_inputs);
    for (std::size_t i = 0; i < actual.size(); ++i) {
      EXPECT_LT(distance(actual[i], wanted[i]), 1e-10 * (1 + wanted[i].abs().max().item<double>())) << i;
    }
  }
}

TEST(XclipHeadTest, PaddingCountsAsTheReferenceCountsIt) {
  torch::manual_seed(5);
  const auto head = head_of(5, 6);
  auto literal = literal_of(*head, 5, 6);
  const auto items = random_items(3, 4, 5, 6);
  const auto padding = (items.mask == 0).unsqueeze(-1);
  auto other = items;
  other.frames = torch::where(padding, 9.0F, items.frames);  // masked in the mean
  EXPECT_LT(distance(scores_of(*head, items), scores_of(*head, other)), 1e-6);
  other.clip_frames = torch::where(padding, 9.0F, items.clip_frames);  // as the release: never masked
  EXPECT_GT(distance(scores_of(*head, items), scores_of(*head, other)), 1e-3);
  EXPECT_LT(distance(scores_of(*head, other), judge(literal, other)), 5e-6);
}

TEST(XclipHeadTest, ParametersAreThoseOfTheReleaseAndStartAsIdentities) {
  const auto head = make_head(XclipConfig{}, {kWidth, 5, 6});
  std::map<std::string, int64_t> sizes;
  for (const auto& parameter : head->named_parameters()) {
    sizes[parameter.key()] = parameter->size(0);
    EXPECT_TRUE(torch::equal(parameter.value(), torch::eye(parameter->size(0))));
    EXPECT_EQ(head->reference_names().at(parameter.key()), parameter.key());
  }
  EXPECT_EQ(sizes, (std::map<std::string, int64_t>{{"global_mat_weight", kWidth},
                                                   {"local_mat_weight", kWidth},
                                                   {"word_logit_weight", 5},
                                                   {"word_mat_weight", 5},
                                                   {"word_mat_weight2", 5},
                                                   {"frame_logit_weight", 6},
                                                   {"frame_mat_weight", 6},
                                                   {"frame_mat_weight2", 6}}));
}

TEST(XclipHeadTest, FeaturesOfAnotherLengthAreABug) {
  const auto head = head_of(5, 6);
  EXPECT_THROW(prepare(*head, random_items(3, 4, 4, 6)), Bug);
  EXPECT_THROW(prepare(*head, random_items(3, 4, 5, 7)), Bug);
  XclipConfig config;
  config.temperature = 0;
  EXPECT_THROW(make_head(config, {kWidth, 5, 6}), Error);
}

}  // namespace
}  // namespace glint::xclip_test

namespace glint::test {
namespace {

std::vector<Kind> xclip_kinds() {
  return {kind("xclip", XclipConfig{}, {.zero = Zero::kPair, .keeps_words = true}),
          kind("xclip, words masked", XclipConfig{.mask_words = true},
               {.hides_words = true, .zero = Zero::kPair, .has_literal = false, .keeps_words = true})};
}

const AddKinds xclip_added(xclip_kinds());

}  // namespace
}  // namespace glint::test
