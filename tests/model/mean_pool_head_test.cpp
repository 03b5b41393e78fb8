#include <gtest/gtest.h>

#include "glint/model/head.h"
#include "model/head_kinds.h"

namespace glint {
namespace {

torch::Tensor scores_of(const torch::Tensor& sentence, const torch::Tensor& frames, const torch::Tensor& mask) {
  const auto head = make_head(MeanPoolConfig{}, {frames.size(2), 0, frames.size(1)});
  TextFeatures text;
  text.sentence = sentence;
  VideoFeatures video;
  video.frames = frames;
  video.mask = mask;
  return head->score(head->prepare_text(text), head->prepare_video(video));
}

TEST(MeanPoolHeadTest, ScoreIsTheCosineWithTheMeanOfTheUnitFrames) {
  torch::manual_seed(1);
  const auto sentence = torch::randn({3, 8}), frames = torch::randn({4, 6, 8});
  const auto mask = (torch::arange(6).unsqueeze(0) < torch::tensor({6, 1, 3, 5}).unsqueeze(1)).to(torch::kLong);
  const auto scores = scores_of(sentence, frames, mask);
  ASSERT_EQ(scores.sizes(), (std::vector<int64_t>{3, 4}));
  for (int64_t b = 0; b < 4; ++b) {
    torch::Tensor sum = torch::zeros({8}, torch::kDouble);
    for (int64_t t = 0; t < mask[b].sum().item<int64_t>(); ++t) {
      sum += frames[b][t].to(torch::kDouble) / frames[b][t].to(torch::kDouble).norm();
    }
    for (int64_t a = 0; a < 3; ++a) {
      const auto c = sentence[a].to(torch::kDouble);
      EXPECT_NEAR(scores[a][b].item<double>(), (c.dot(sum) / (c.norm() * sum.norm())).item<double>(), 1e-6);
    }
  }
}

TEST(MeanPoolHeadTest, PaddingFramesDoNotChangeTheScore) {
  torch::manual_seed(2);
  const auto sentence = torch::randn({3, 8}), frames = torch::randn({4, 6, 8});
  auto mask = torch::ones({4, 6}, torch::kLong);
  mask.narrow(1, 4, 2).zero_();
  auto other = frames.clone();
  other.narrow(1, 4, 2).fill_(7);
  EXPECT_TRUE(torch::equal(scores_of(sentence, frames, mask), scores_of(sentence, other, mask)));
  EXPECT_TRUE(torch::allclose(scores_of(sentence, frames, mask),
                              scores_of(sentence, frames.narrow(1, 0, 4), mask.narrow(1, 0, 4)), 0, 1e-6));
}

}  // namespace
}  // namespace glint

namespace glint::test {
namespace {

std::vector<Kind> mean_pool_kinds() {
  return {kind("mean_pool", MeanPoolConfig{}, {.hides_words = true, .hides_frames = true, .zero = Zero::kEither})};
}

const AddKinds mean_pool_added(mean_pool_kinds());

}  // namespace
}  // namespace glint::test
