#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "glint/config/config_file.h"
#include "glint/core/error.h"
#include "glint/model/losses.h"
#include "model/head_kinds.h"
#include "model/head_support.h"
#include "model/heads/cpu/kernels.h"

// What every head holds, in each of its kinds, which its own test lists. What only one head holds stands in its own
// test. A texts, B videos, L words, T frames, D width.
namespace glint::every_test {
namespace {

using test::distance;
using test::Kind;
using test::Prepared;
using test::scores_of;
using test::Zero;

constexpr int64_t kWidth = 64, kWords = 5, kFrames = 6;

FeatureShape shape_of(int64_t words, int64_t frames) {
  return {.width = kWidth, .max_words = words, .max_frames = frames};
}

// As after some training: no longer identities, ones and zeros. Without dropout, in evaluation mode.
std::shared_ptr<RetrievalHead> head_of(const Kind& kind, int64_t words = kWords, int64_t frames = kFrames) {
  const auto head = kind.make(shape_of(words, frames));
  torch::NoGradGuard no_grad;
  for (auto& parameter : head->parameters()) parameter.add_(torch::randn_like(parameter) * 0.05);
  head->eval();
  return head;
}

struct Items {
  torch::Tensor sentence, words, word_mask, frames, clip_frames, frame_mask;

  std::vector<torch::Tensor> features() const { return {sentence, words, frames, clip_frames}; }
};

// Random features; item i has 1 + i mod (its longest) real words or frames.
Items random_items(int64_t A, int64_t B, int64_t L = kWords, int64_t T = kFrames) {
  return {torch::randn({A, kWidth}),    torch::randn({A, L, kWidth}), test::prefix_mask(A, L),
          torch::randn({B, T, kWidth}), torch::randn({B, T, kWidth}), test::prefix_mask(B, T)};
}

Prepared prepare(RetrievalHead& head, const Items& items) {
  return {head.prepare_text({items.sentence, items.words, items.word_mask, {}}),
          head.prepare_video({items.frames, items.clip_frames, items.frame_mask, {}})};
}

bool is_finite(const torch::Tensor& x) {
  return x.isfinite().all().item<bool>();
}

TEST(EveryHeadTest, TheTestOfEachHeadListsItsKinds) {
  std::vector<std::string> listed;
  for (const auto& kind : test::released_kinds()) listed.push_back(kind.head);
  for (const auto& head : head_names()) EXPECT_THAT(listed, testing::Contains(head));
}

TEST(EveryHeadTest, BlocksAndThreadsGiveTheScoresOfTheWhole) {
  torch::manual_seed(1);
  torch::NoGradGuard no_grad;
  const auto threads = at::get_num_threads();
  for (const auto& kind : test::every_kind()) {
    SCOPED_TRACE(kind.name);
    const auto head = head_of(kind);
    const auto [text, video] = prepare(*head, random_items(37, 21));
    at::set_num_threads(1);
    const auto whole = head->score(text, video);
    at::set_num_threads(3);
    EXPECT_LT(distance(head->score(text, video), whole), 1e-5);
    at::set_num_threads(threads);
    for (const int64_t block : {2, 16, 33}) {
      for (int64_t a = 0; a < 37; a += block) {
        for (int64_t b = 0; b < 21; b += block) {
          const auto a_end = std::min<int64_t>(37, a + block), b_end = std::min<int64_t>(21, b + block);
          const auto part = head->score(slice(text, a, a_end), slice(video, b, b_end));
          ASSERT_LT(distance(part, whole.slice(0, a, a_end).slice(1, b, b_end)), 1e-5) << block;
        }
      }
    }
    EXPECT_EQ(head->score(slice(text, 0, 0), video).sizes(), (std::vector<int64_t>{0, 21}));
    EXPECT_EQ(head->score(text, slice(video, 3, 3)).sizes(), (std::vector<int64_t>{37, 0}));
  }
}

TEST(EveryHeadTest, KernelsScoreAsTheOperatorsDo) {
  torch::manual_seed(13);
  for (const auto& kind : test::every_kind()) {
    SCOPED_TRACE(kind.name);
    const auto head = head_of(kind);
    const auto items = random_items(37, 21);
    const auto scores = scores_of(*head, items);
    const cpu::WithoutKernels without_kernels;
    EXPECT_LT(distance(scores_of(*head, items), scores), 1e-5);
  }
}

TEST(EveryHeadTest, PermutedTextsAndVideosPermuteTheScores) {
  torch::manual_seed(2);
  const auto a = torch::randperm(19), b = torch::randperm(7);
  for (const auto& kind : test::every_kind()) {
    const auto head = head_of(kind);
    const auto items = random_items(19, 7);
    const Items other = {items.sentence.index_select(0, a),    items.words.index_select(0, a),
                         items.word_mask.index_select(0, a),   items.frames.index_select(0, b),
                         items.clip_frames.index_select(0, b), items.frame_mask.index_select(0, b)};
    const auto want = scores_of(*head, items).index_select(0, a).index_select(1, b);
    EXPECT_LT(distance(scores_of(*head, other), want), 1e-5) << kind.name;
  }
}

TEST(EveryHeadTest, PaddingChangesNothingWhereItIsHiddenAndWhatTheReferenceChangesElsewhere) {
  torch::manual_seed(3);
  for (const auto& kind : test::every_kind()) {
    SCOPED_TRACE(kind.name);
    const auto head = head_of(kind);
    const auto items = random_items(3, 4);
    auto words = items, frames = items;
    const auto no_frame = (items.frame_mask == 0).unsqueeze(-1);
    words.words = torch::where((items.word_mask == 0).unsqueeze(-1), 9.0F, items.words);
    frames.frames = torch::where(no_frame, -9.0F, items.frames);
    frames.clip_frames = torch::where(no_frame, -9.0F, items.clip_frames);
    const auto scores = scores_of(*head, items), of_words = scores_of(*head, words),
               of_frames = scores_of(*head, frames);
    EXPECT_EQ(distance(scores, of_words) < 1e-5, kind.hides_words);
    EXPECT_EQ(distance(scores, of_frames) < 1e-5, kind.hides_frames);
    if (!kind.has_literal) continue;
    const auto literal = kind.literal(shape_of(kWords, kFrames), *head);
    EXPECT_LT(distance(of_words, scores_of(*literal, words)), 1e-4);
    EXPECT_LT(distance(of_frames, scores_of(*literal, frames)), 1e-4);
  }
}

// Some of everything that has no direction or nothing that its mask leaves.
Items empty_items() {
  auto items = random_items(5, 5);
  items.sentence[1].zero_();
  items.words[1].zero_();
  items.words[3][2].zero_();
  items.word_mask[2].zero_();
  items.frame_mask[0].zero_();
  items.frames[1].zero_();
  items.clip_frames[1].zero_();
  items.frames[2][0].zero_();
  items.clip_frames[2][0].zero_();
  items.frames[3].fill_(3);  // without variance
  items.clip_frames[3].fill_(3);
  return items;
}

void expect_zeros(const torch::Tensor& scores, Zero zero) {
  const auto largest = [](const torch::Tensor& x) { return x.abs().max().item<double>(); };
  if (zero == Zero::kNothing) return;
  EXPECT_EQ(largest(scores[1][1]), 0);
  if (zero == Zero::kPair) return;
  EXPECT_EQ(largest(scores[1]), 0);
  if (zero == Zero::kText) return;
  EXPECT_EQ(largest(scores.select(1, 1)), 0);
}

TEST(EveryHeadTest, WhatHasNoCosineGivesItsValueAndFiniteGradients) {
  torch::manual_seed(4);
  for (const auto& kind : test::every_kind()) {
    SCOPED_TRACE(kind.name);
    const auto head = head_of(kind);
    const auto items = empty_items();
    const auto plain = scores_of(*head, items);
    EXPECT_TRUE(is_finite(plain));
    expect_zeros(plain, kind.zero);
    head->train();
    for (auto& features : items.features()) features.set_requires_grad(true);
    const auto [text, video] = prepare(*head, items);
    const auto output = head->score_pairs(text, video);
    EXPECT_LT(distance(output.scores, plain), 1e-5);
    auto loss = output.scores.sum();
    for (const auto& aux : output.aux) loss = loss + aux.value;
    loss.backward();
    for (const auto& features : items.features()) {
      EXPECT_TRUE(!features.grad().defined() || is_finite(features.grad()));
    }
    for (const auto& parameter : head->parameters()) EXPECT_TRUE(is_finite(parameter.grad()));
  }
}

TEST(EveryHeadTest, OneOfAnythingScoresAsTheLiteralForm) {
  torch::manual_seed(5);
  for (const auto& kind : test::every_kind()) {
    for (const auto& [A, B, L, T] :
         std::vector<std::array<int64_t, 4>>{{1, 1, 1, 1}, {1, 4, 5, 6}, {3, 1, 5, 6}, {3, 4, 1, 6}, {3, 4, 5, 1}}) {
      SCOPED_TRACE(kind.name + ": " + std::to_string(A) + " " + std::to_string(B) + " " + std::to_string(L) + " " +
                   std::to_string(T));
      const auto head = head_of(kind, L, T);
      const auto items = random_items(A, B, L, T);
      const auto scores = scores_of(*head, items);
      EXPECT_EQ(scores.sizes(), (std::vector<int64_t>{A, B}));
      EXPECT_TRUE(is_finite(scores));
      if (!kind.has_literal) continue;
      const auto literal = kind.literal(shape_of(L, T), *head);
      EXPECT_LT(distance(scores, scores_of(*literal, items)), 1e-4);
    }
  }
}

// The contrastive loss and the head's own, of some shards of the batch. `ends`: where each shard ends.
torch::Tensor loss_in_shards(RetrievalHead& head, const Prepared& items, const std::vector<int64_t>& ends) {
  const auto pairs = size(items.text);
  auto loss = torch::zeros({});
  torch::Tensor sums;
  int64_t begin = 0;
  for (const auto end : ends) {
    const auto shard = head.score_shard(items.text, items.video, begin, end);
    loss = loss + contrastive_loss({10 * shard.text_scores, 10 * shard.video_scores, begin});
    if (shard.sums.defined()) sums = sums.defined() ? sums + shard.sums : shard.sums;
    begin = end;
  }
  if (!sums.defined()) return loss;
  for (const auto& own : head.losses(sums, pairs)) loss = loss + own.value;
  return loss;
}

TEST(EveryHeadTest, ShardsOfABatchAddUpToItsLossAndGradients) {
  torch::manual_seed(11);
  const int64_t pairs = 5;
  for (const auto& kind : test::every_kind()) {
    SCOPED_TRACE(kind.name);
    const auto head = head_of(kind);
    head->train();
    auto items = random_items(pairs, pairs);
    for (auto& features : items.features()) features.set_requires_grad(true);
    auto wanted = items.features();
    const auto parameters = head->parameters();
    wanted.insert(wanted.end(), parameters.begin(), parameters.end());
    const auto prepared = prepare(*head, items);
    const auto whole = head->score_pairs(prepared.text, prepared.video);
    auto loss = contrastive_loss(10 * whole.scores);
    for (const auto& own : whole.aux) loss = loss + own.value;
    const auto expected = torch::autograd::grad({loss}, wanted, {}, true, false, /*allow_unused=*/true);
    const auto in_shards = loss_in_shards(*head, prepared, {2, 3, pairs});
    EXPECT_NEAR(in_shards.item<double>(), loss.item<double>(), 1e-5);
    const auto gradients = torch::autograd::grad({in_shards}, wanted, {}, false, false, /*allow_unused=*/true);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      ASSERT_EQ(gradients[i].defined(), expected[i].defined());
      if (!expected[i].defined()) continue;
      const double scale = expected[i].abs().max().item<double>();
      EXPECT_LT(distance(gradients[i], expected[i]), 1e-5 + 1e-4 * scale);
    }
  }
}

TEST(EveryHeadTest, AShardScoresItsRowsAndColumnsOfTheBatch) {
  torch::manual_seed(12);
  for (const auto& kind : test::every_kind()) {
    SCOPED_TRACE(kind.name);
    const auto head = head_of(kind);
    const auto prepared = prepare(*head, random_items(5, 5));
    const torch::NoGradGuard no_grad;
    const auto all = head->score(prepared.text, prepared.video);
    const auto shard = head->score_shard(prepared.text, prepared.video, 1, 4);
    EXPECT_LT(distance(shard.text_scores, all.slice(0, 1, 4)), 1e-5);
    EXPECT_LT(distance(shard.video_scores, all.slice(1, 1, 4)), 1e-5);
  }
}

TEST(EveryHeadTest, HugeFeaturesDoNotOverflow) {
  torch::manual_seed(6);
  for (const auto& kind : test::every_kind()) {
    const auto items = random_items(3, 4);
    for (auto& features : items.features()) features.mul_(1e6);
    EXPECT_TRUE(is_finite(scores_of(*head_of(kind), items))) << kind.name;
  }
}

TEST(EveryHeadTest, ANanFeatureIsNotHidden) {
  torch::manual_seed(7);
  for (const auto& kind : test::every_kind()) {
    SCOPED_TRACE(kind.name);
    auto items = random_items(3, 4);
    items.frames[2][0][3] = NAN;
    items.clip_frames[2][0][3] = NAN;
    items.sentence[1][0] = NAN;
    const auto scores = scores_of(*head_of(kind), items);
    EXPECT_TRUE(scores.select(1, 2).isnan().all().item<bool>());
    EXPECT_TRUE(scores[1].isnan().all().item<bool>());
    EXPECT_TRUE(is_finite(scores[0].slice(0, 0, 2)));
  }
}

TextFeatures raw_text(const Items& items, int64_t a) {
  return slice(TextFeatures{items.sentence, items.words, items.word_mask, {}}, a, a + 1);
}
VideoFeatures raw_video(const Items& items, int64_t b) {
  return slice(VideoFeatures{items.frames, items.clip_frames, items.frame_mask, {}}, b, b + 1);
}

double sum_of(const std::vector<double>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0);
}

double sum_of(const std::vector<std::pair<std::string, double>>& parts) {
  double sum = 0;
  for (const auto& [name, value] : parts) sum += value;
  return sum;
}

// mask [n] of the words or frames
void expect_attention(const std::vector<double>& weights, const torch::Tensor& mask, bool hides) {
  ASSERT_EQ(std::ssize(weights), mask.size(0));
  EXPECT_NEAR(sum_of(weights), 1, 1e-5);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    EXPECT_GE(weights[i], 0);
    if (hides && mask[static_cast<int64_t>(i)].item<int64_t>() == 0) {
      EXPECT_EQ(weights[i], 0) << i;
    }
  }
}

TEST(EveryHeadTest, AnExplanationAddsUpToTheScoreAndItsAttentionsToOne) {
  torch::manual_seed(21);
  for (const auto& kind : test::every_kind()) {
    SCOPED_TRACE(kind.name);
    for (const auto& [L, T] : std::vector<std::array<int64_t, 2>>{{kWords, kFrames}, {7, 3}, {1, 1}}) {
      const auto head = head_of(kind, L, T);
      const auto items = random_items(7, 4, L, T);
      const auto scores = scores_of(*head, items);
      for (int64_t a = 0; a < 7; ++a) {
        for (int64_t b = 0; b < 4; ++b) {
          const auto explained = head->explain(raw_text(items, a), raw_video(items, b));
          EXPECT_NEAR(sum_of(explained.parts), scores[a][b].item<double>(), 1e-5);
          EXPECT_EQ(explained.frames.empty(), kind.head == "tight");
          EXPECT_EQ(explained.words.empty(), kind.head != "xclip" && kind.head != "glccl");
          const bool hides_frames = kind.hides_frames || kind.head == "glscl";  // its decoder alone sees padding
          if (!explained.frames.empty()) expect_attention(explained.frames, items.frame_mask[b], hides_frames);
          if (!explained.words.empty()) expect_attention(explained.words, items.word_mask[a], kind.hides_words);
          if (explained.frame_parts.empty()) continue;
          EXPECT_EQ(std::ssize(explained.frame_parts), T);
          EXPECT_NEAR(sum_of(explained.frame_parts), scores[a][b].item<double>(), 1e-5);
        }
      }
    }
  }
}

void expect_same(const std::vector<double>& numbers, const std::vector<double>& wanted, double tolerance) {
  ASSERT_EQ(numbers.size(), wanted.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) EXPECT_NEAR(numbers[i], wanted[i], tolerance) << i;
}

TEST(EveryHeadTest, LiteralFormsExplainAsTheHeadsDo) {
  torch::manual_seed(22);
  for (const auto& kind : test::every_kind()) {
    if (!kind.has_literal) continue;
    SCOPED_TRACE(kind.name);
    const auto head = head_of(kind);
    const auto literal = kind.literal(shape_of(kWords, kFrames), *head);
    literal->eval();
    const auto items = random_items(3, 4);
    for (int64_t a = 0; a < 3; ++a) {
      for (int64_t b = 0; b < 4; ++b) {
        const auto explained = head->explain(raw_text(items, a), raw_video(items, b));
        const auto wanted = literal->explain(raw_text(items, a), raw_video(items, b));
        ASSERT_EQ(explained.parts.size(), wanted.parts.size());
        for (std::size_t i = 0; i < wanted.parts.size(); ++i) {
          EXPECT_EQ(explained.parts[i].first, wanted.parts[i].first);
          EXPECT_NEAR(explained.parts[i].second, wanted.parts[i].second, 1e-4) << wanted.parts[i].first;
        }
        // Softmaxes of 0.01 make a rounding of the similarities a hundred times as large.
        expect_same(explained.frames, wanted.frames, 1e-3);
        expect_same(explained.words, wanted.words, 1e-3);
        expect_same(explained.frame_parts, wanted.frame_parts, 1e-4);
      }
    }
  }
}

TEST(EveryHeadTest, WhatHasNoCosineIsExplainedByNumbers) {
  torch::manual_seed(23);
  for (const auto& kind : test::every_kind()) {
    SCOPED_TRACE(kind.name);
    const auto head = head_of(kind);
    const auto items = empty_items();
    const auto scores = scores_of(*head, items);
    for (int64_t a = 0; a < 5; ++a) {
      for (int64_t b = 0; b < 5; ++b) {
        const auto explained = head->explain(raw_text(items, a), raw_video(items, b));
        EXPECT_NEAR(sum_of(explained.parts), scores[a][b].item<double>(), 1e-5);
        for (const auto* numbers : {&explained.frames, &explained.words, &explained.frame_parts}) {
          EXPECT_TRUE(
              std::all_of(numbers->begin(), numbers->end(), [](double number) { return std::isfinite(number); }));
        }
        const bool hides_frames = kind.hides_frames || kind.head == "glscl";
        if (b == 0 && hides_frames) {  // a video without a frame
          EXPECT_EQ(sum_of(explained.frames), 0);
        }
        if (a == 2 && kind.hides_words) {  // a text without a word
          EXPECT_EQ(sum_of(explained.words), 0);
        }
      }
    }
  }
}

TEST(EveryHeadTest, OnePairIsExplainedAndInEvaluationModeAlone) {
  for (const auto& kind : test::released_kinds()) {
    SCOPED_TRACE(kind.name);
    const auto head = head_of(kind);
    const auto items = random_items(3, 4);
    const TextFeatures texts = {items.sentence, items.words, items.word_mask, {}};
    EXPECT_THROW(head->explain(texts, raw_video(items, 1)), Bug);
    EXPECT_THROW(head->explain(raw_text(items, 0), {items.frames, items.clip_frames, items.frame_mask, {}}), Bug);
    head->train();
    EXPECT_THROW(head->explain(raw_text(items, 0), raw_video(items, 1)), Bug);
  }
}

TEST(EveryHeadTest, PreparingKeepsTheNumberOfItemsAndDropsTheFramesOfClip) {
  torch::manual_seed(8);
  for (const auto& kind : test::every_kind()) {
    SCOPED_TRACE(kind.name);
    const auto [text, video] = prepare(*head_of(kind), random_items(3, 4));
    EXPECT_EQ(size(text), 3);
    EXPECT_EQ(size(video), 4);
    EXPECT_FALSE(video.clip_frames.defined());
    EXPECT_EQ(text.words.defined(), kind.keeps_words);
  }
}

}  // namespace
}  // namespace glint::every_test

namespace glint::test {
namespace {

std::vector<std::vector<Kind>>& added() {
  static std::vector<std::vector<Kind>> kinds;  // of each head apart
  return kinds;
}

}  // namespace

AddKinds::AddKinds(const std::vector<Kind>& kinds) {
  added().push_back(kinds);
}

std::vector<Kind> every_kind() {
  std::vector<Kind> all;
  for (const auto& of_head : added()) all.insert(all.end(), of_head.begin(), of_head.end());
  return all;
}

std::vector<Kind> released_kinds() {
  std::vector<Kind> all;
  for (const auto& of_head : added()) all.push_back(of_head.front());
  return all;
}

}  // namespace glint::test
