#include "glint/model/head_cost.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "glint/model/head.h"
#include "model/head_kinds.h"
#include "support/product_counter.h"

namespace glint {
namespace {

// Thousands of millions for 1,000 texts and 1,000 videos, items left out, as recipes.md 3 gives them.
double giga(int64_t macs_a_pair) {
  return static_cast<double>(macs_a_pair) / 1e3;
}

TEST(HeadCostTest, PublishedFiguresAreReproduced) {
  const HeadSizes sizes;  // T=12, L=32, D=512; Q=8
  EXPECT_NEAR(giga(*head_cost(MeanPoolConfig{}, sizes).published), 0.5, 0.05);
  EXPECT_NEAR(giga(*head_cost(GlsclConfig{}, sizes).published), 1.0, 0.05);
  EXPECT_NEAR(giga(*head_cost(XclipConfig{}, sizes).published), 220.9, 0.05);
  EXPECT_NEAR(giga(*head_cost(XpoolConfig{}, sizes).published), 275.0, 0.05);
  EXPECT_FALSE(head_cost(GlcclConfig{}, sizes).published.has_value());
  EXPECT_FALSE(head_cost(TightConfig{}, sizes).published.has_value());
}

TEST(HeadCostTest, OneCountForAllGivesTheFiguresOfTheRecipes) {
  const HeadSizes sizes;
  const auto glscl = head_cost(GlsclConfig{}, sizes), glccl = head_cost(GlcclConfig{}, sizes),
             xclip = head_cost(XclipConfig{}, sizes);
  EXPECT_NEAR(giga(glscl.released.pair), 16.9, 0.05);
  EXPECT_NEAR(giga(glscl.exact.pair), 10.4, 0.05);
  EXPECT_NEAR(giga(glccl.released.pair), 1030, 5);
  // The recipes' 480 leaves <c, V_t> and <c W_g, V_t> out.
  EXPECT_NEAR(giga(glccl.exact.pair - 2 * sizes.frames * sizes.width), 480, 0.5);
  EXPECT_NEAR(giga(glccl.exact.pair), 492.2, 0.05);
  // X-CLIP's 220.9 without its attention over F; the "0.24 T with all its small matrices" is that of methods 4.6.
  EXPECT_NEAR(giga(xclip.released.pair), 238.9, 0.05);
  // X-Pool's 275.0 counts one of its two D x D layers a pair.
  EXPECT_NEAR(giga(head_cost(XpoolConfig{}, sizes).released.pair), 537.1, 0.05);
  EXPECT_NEAR(static_cast<double>(glscl.released.video) / 1e9, 0.107, 0.0005);
  EXPECT_NEAR(static_cast<double>(glscl.released.text) / 1e9, 0.139, 0.0005);  // methods 3.7: 0.138
}

constexpr HeadSizes kSmall = {.frames = 5, .words = 6, .width = 128};

TextFeatures texts(int64_t A) {
  return {torch::randn({A, kSmall.width}, torch::kDouble),
          torch::randn({A, kSmall.words, kSmall.width}, torch::kDouble),
          torch::ones({A, kSmall.words}, torch::kLong),
          {}};
}

VideoFeatures videos(int64_t B) {
  const auto frames = torch::randn({B, kSmall.frames, kSmall.width}, torch::kDouble);
  return {frames, frames, torch::ones({B, kSmall.frames}, torch::kLong), {}};
}

struct Heads {
  std::shared_ptr<RetrievalHead> fast, literal;
};

// In evaluation and double precision, in which every product goes through LibTorch's operators.
Heads heads_of(const test::Kind& kind) {
  const FeatureShape shape = {.width = kSmall.width, .max_words = kSmall.words, .max_frames = kSmall.frames};
  const auto head = kind.make(shape);
  head->to(torch::kDouble);
  const auto literal = kind.literal(shape, *head);
  literal->to(torch::kDouble);
  head->eval();
  literal->eval();
  return {head, literal};
}

// What 3 texts, 4 videos and their pairs cost, seen.
Macs counted(RetrievalHead& head) {
  const torch::NoGradGuard no_grad;
  Macs macs;
  const auto count = [](const auto& work) {
    const test::ProductCounter counter;
    work();
    return counter.macs();
  };
  // Of each further item: some heads have work that is done once for all.
  macs.text =
      (count([&] { return head.prepare_text(texts(7)); }) - count([&] { return head.prepare_text(texts(3)); })) / 4;
  macs.video =
      (count([&] { return head.prepare_video(videos(9)); }) - count([&] { return head.prepare_video(videos(4)); })) / 5;
  const auto text = head.prepare_text(texts(3));
  const auto video = head.prepare_video(videos(4));
  macs.pair = count([&] { return head.score(text, video); }) / 12;
  return macs;
}

TEST(HeadCostTest, ReleasedCountsAreWhatTheLiteralFormComputes) {
  torch::manual_seed(1);
  for (const auto& kind : test::released_kinds()) {
    SCOPED_TRACE(kind.name);
    const auto seen = counted(*heads_of(kind).literal);
    const auto cost = kind.cost(kSmall).released;
    EXPECT_EQ(seen.text, cost.text);
    EXPECT_EQ(seen.video, cost.video);
    EXPECT_EQ(seen.pair, cost.pair);
  }
}

TEST(HeadCostTest, ExactCountsOfItemsAreWhatTheHeadsCompute) {
  torch::manual_seed(2);
  for (const auto& kind : test::released_kinds()) {
    if (kind.name == "tight") continue;  // whose projections of items are in score(): the next test
    SCOPED_TRACE(kind.name);
    const auto seen = counted(*heads_of(kind).fast);
    const auto cost = kind.cost(kSmall).exact;
    EXPECT_EQ(seen.text, cost.text);
    EXPECT_EQ(seen.video, cost.video);
  }
}

TEST(HeadCostTest, TheExactCountOfTightIsWhatTheHeadComputes) {
  torch::manual_seed(4);
  const torch::NoGradGuard no_grad;
  auto& settings = at::globalContext();
  const bool is_fused = settings.userEnabledFlashSDP();
  settings.setSDPUseFlash(false);  // attention in operators, too
  const auto kinds = test::released_kinds();
  const auto kind = *std::find_if(kinds.begin(), kinds.end(), [](const auto& some) { return some.head == "tight"; });
  const auto head = heads_of(kind).fast;
  const auto text = head->prepare_text(texts(3));
  const auto video = head->prepare_video(videos(4));
  const test::ProductCounter counter;
  head->score(text, video);
  settings.setSDPUseFlash(is_fused);
  EXPECT_EQ(counter.macs(), kind.cost(kSmall).exact.all(3, 4));
}

TEST(HeadCostTest, LiteralFormsScoreAsTheHeadsDo) {
  torch::manual_seed(3);
  const torch::NoGradGuard no_grad;
  for (const auto& kind : test::released_kinds()) {
    const auto [fast, literal] = heads_of(kind);
    const auto text = texts(3);
    const auto video = videos(4);
    const auto scores = fast->score(fast->prepare_text(text), fast->prepare_video(video));
    const auto want = literal->score(literal->prepare_text(text), literal->prepare_video(video));
    EXPECT_TRUE(torch::allclose(scores, want, 1e-9, 1e-9)) << kind.name;
  }
}

}  // namespace
}  // namespace glint
