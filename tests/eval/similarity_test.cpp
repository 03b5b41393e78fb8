#include "glint/eval/similarity.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <utility>
#include <vector>

namespace glint::test {
namespace {

// Dot products; remembers the blocks it was asked for.
class DotHead final : public RetrievalHead {
 public:
  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override {
    EXPECT_FALSE(torch::GradMode::is_enabled());
    blocks.emplace_back(size(text), size(video));
    return torch::matmul(text.sentence, video.prepared.at("pooled").t());
  }
  std::vector<std::pair<int64_t, int64_t>> blocks;

 protected:
  PairExplanation explain_pair(const TextFeatures&, const VideoFeatures&) override { return {}; }
};

TextFeatures texts(int64_t count) {
  return {torch::randn({count, 4}).requires_grad_(), {}, {}, {}};
}
VideoFeatures videos(int64_t count) {
  return {{}, {}, {}, {{"pooled", torch::randn({count, 4})}}};
}

TEST(SimilarityTest, BlocksOfAnySizeGiveTheWholeMatrix) {
  torch::manual_seed(8);
  DotHead head;
  const auto text = texts(7);
  const auto video = videos(5);
  const auto whole = torch::matmul(text.sentence, video.prepared.at("pooled").t());
  for (const int64_t block : {1, 2, 3, 5, 7, 100}) {
    head.blocks.clear();
    const auto scores = similarity_matrix(head, text, video, block);
    EXPECT_TRUE(torch::allclose(scores, whole, 1e-6, 1e-6)) << block;
    EXPECT_FALSE(scores.requires_grad());
    for (const auto& [a, b] : head.blocks) EXPECT_TRUE(a <= block && b <= block) << a << " x " << b;
  }
  head.blocks.clear();
  similarity_matrix(head, text, video, 3);
  const std::vector<std::pair<int64_t, int64_t>> want = {{3, 3}, {3, 2}, {3, 3}, {3, 2}, {1, 3}, {1, 2}};
  EXPECT_EQ(head.blocks, want);
}

TEST(SimilarityTest, NothingToScoreIsAnEmptyMatrix) {
  DotHead head;
  EXPECT_EQ(similarity_matrix(head, texts(0), videos(5), 2).sizes(), (torch::IntArrayRef{0, 5}));
}

}  // namespace
}  // namespace glint::test
