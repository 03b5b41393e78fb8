#include "glint/model/head_cost.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "glint/model/head.h"
#include "model/literal/heads.h"
#include "support/product_counter.h"

namespace glint {
namespace {

// Thousands of millions for 1,000 texts and 1,000 videos, items left out, as recipes.md 3 gives them.
double giga(int64_t macs_a_pair) {
  return static_cast<double>(macs_a_pair) / 1e3;
}

TEST(HeadCostTest, PublishedFiguresAreReproduced) {
  const HeadSizes sizes;  // T=12, L=32, D=512, Q=8
  EXPECT_NEAR(giga(*head_cost("mean_pool", sizes).published), 0.5, 0.05);
  EXPECT_NEAR(giga(*head_cost("glscl", sizes).published), 1.0, 0.05);
  EXPECT_NEAR(giga(*head_cost("xclip", sizes).published), 220.9, 0.05);
  EXPECT_NEAR(giga(*head_cost("xpool", sizes).published), 275.0, 0.05);
  EXPECT_FALSE(head_cost("glccl", sizes).published.has_value());
  EXPECT_FALSE(head_cost("tight", sizes).published.has_value());
}

TEST(HeadCostTest, OneCountForAllGivesTheFiguresOfTheRecipes) {
  const HeadSizes sizes;
  const auto glscl = head_cost("glscl", sizes), glccl = head_cost("glccl", sizes), xclip = head_cost("xclip", sizes);
  EXPECT_NEAR(giga(glscl.released.pair), 16.9, 0.05);
  EXPECT_NEAR(giga(glscl.exact.pair), 10.4, 0.05);
  EXPECT_NEAR(giga(glccl.released.pair), 1030, 5);
  // The recipes' 480 leaves <c, V_t> and <c W_g, V_t> out.
  EXPECT_NEAR(giga(glccl.exact.pair - 2 * sizes.frames * sizes.width), 480, 0.5);
  EXPECT_NEAR(giga(glccl.exact.pair), 492.2, 0.05);
  // X-CLIP's 220.9 without its attention over F; the "0.26 T with all its small matrices" of methods 4.6 is 0.24.
  EXPECT_NEAR(giga(xclip.released.pair), 238.9, 0.05);
  // X-Pool's 275.0 counts one of its two D x D layers a pair.
  EXPECT_NEAR(giga(head_cost("xpool", sizes).released.pair), 537.1, 0.05);
  EXPECT_NEAR(static_cast<double>(glscl.released.video) / 1e9, 0.107, 0.0005);
  EXPECT_NEAR(static_cast<double>(glscl.released.text) / 1e9, 0.139, 0.0005);  // methods 3.7: 0.138
}

constexpr HeadSizes kSmall = {.frames = 5, .words = 6, .width = 128, .queries = 3};

HeadConfig config_of(const std::string& head) {
  if (head == "mean_pool") return MeanPoolConfig{};
  if (head == "glscl") return GlsclConfig{.queries = kSmall.queries};
  if (head == "glccl") return GlcclConfig{};
  if (head == "xclip") return XclipConfig{};
  if (head == "xpool") return XpoolConfig{};
  return TightConfig{};
}

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

const std::vector<std::string> kHeads = {"mean_pool", "glscl", "glccl", "xclip", "xpool", "tight"};

struct Heads {
  std::shared_ptr<RetrievalHead> fast, literal;
};

// In evaluation and double precision, in which every product goes through LibTorch's operators.
Heads heads_of(const std::string& name) {
  const FeatureShape shape = {.width = kSmall.width, .max_words = kSmall.words, .max_frames = kSmall.frames};
  const auto config = config_of(name);
  const auto head = make_head(config, shape);
  head->to(torch::kDouble);
  const auto literal = literal::make_literal(config, shape, *head);
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
  for (const auto& name : kHeads) {
    SCOPED_TRACE(name);
    const auto seen = counted(*heads_of(name).literal);
    const auto cost = head_cost(name, kSmall).released;
    EXPECT_EQ(seen.text, cost.text);
    EXPECT_EQ(seen.video, cost.video);
    EXPECT_EQ(seen.pair, cost.pair);
  }
}

TEST(HeadCostTest, ExactCountsOfItemsAreWhatTheHeadsCompute) {
  torch::manual_seed(2);
  for (const auto* name : {"mean_pool", "glscl", "glccl", "xclip", "xpool"}) {
    SCOPED_TRACE(name);
    const auto seen = counted(*heads_of(name).fast);
    const auto cost = head_cost(name, kSmall).exact;
    EXPECT_EQ(seen.text, cost.text);
    EXPECT_EQ(seen.video, cost.video);
  }
}

// Its projections of items are in score().
TEST(HeadCostTest, TheExactCountOfTightIsWhatTheHeadComputes) {
  torch::manual_seed(4);
  const torch::NoGradGuard no_grad;
  auto& settings = at::globalContext();
  const bool is_fused = settings.userEnabledFlashSDP();
  settings.setSDPUseFlash(false);  // attention in operators, too
  const auto head = heads_of("tight").fast;
  const auto text = head->prepare_text(texts(3));
  const auto video = head->prepare_video(videos(4));
  const test::ProductCounter counter;
  head->score(text, video);
  settings.setSDPUseFlash(is_fused);
  EXPECT_EQ(counter.macs(), head_cost("tight", kSmall).exact.all(3, 4));
}

TEST(HeadCostTest, LiteralFormsScoreAsTheHeadsDo) {
  torch::manual_seed(3);
  const torch::NoGradGuard no_grad;
  for (const auto& name : kHeads) {
    const auto [fast, literal] = heads_of(name);
    const auto text = texts(3);
    const auto video = videos(4);
    const auto scores = fast->score(fast->prepare_text(text), fast->prepare_video(video));
    const auto want = literal->score(literal->prepare_text(text), literal->prepare_video(video));
    EXPECT_TRUE(torch::allclose(scores, want, 1e-9, 1e-9)) << name;
  }
}

}  // namespace
}  // namespace glint
