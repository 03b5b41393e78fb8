#include "glint/eval/scores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "glint/eval/evaluation.h"
#include "glint/eval/judged_metrics.h"
#include "glint/eval/metrics.h"
#include "glint/eval/postprocess.h"
#include "glint/io/safetensors.h"
#include "support/environment.h"

namespace glint::test {
namespace {

constexpr int64_t kTexts = 23, kVideos = 9;

class ScoresTest : public testing::Test {
 protected:
  // The same scores in a file, of which two texts' or a video's rows are in memory at a time.
  Scores in_file() {
    write_safetensors(folder_ / "s.safetensors", {{"scores", scores_}});
    return {open_safetensors(folder_ / "s.safetensors").tensors.at("scores"), 2 * kVideos * 4};
  }
  // Ties among them.
  torch::Tensor scores_ = (torch::rand({kTexts, kVideos}) * 20).round() / 20 + 0.01;
  torch::Tensor owner_ = torch::arange(kTexts) % kVideos;
  TemporaryFolder folder_;
};

TEST_F(ScoresTest, AFileIsReadInPanels) {
  const auto file = in_file();
  EXPECT_EQ(file.panel_rows(Direction::kTextToVideo), 2);
  EXPECT_EQ(file.panel_rows(Direction::kVideoToText), 1);
  EXPECT_EQ(Scores(scores_).panel_rows(Direction::kTextToVideo), kTexts);
  EXPECT_TRUE(torch::equal(file.rows(Direction::kVideoToText, 3, 2), scores_.t().narrow(0, 3, 2)));
  EXPECT_TRUE(torch::equal(file.rows(Direction::kTextToVideo, 21, 2), scores_.narrow(0, 21, 2)));
}

TEST_F(ScoresTest, AFileIsRankedAsTheTensorIs) {
  const auto file = in_file();
  const auto same = [](const Ranks& a, const Ranks& b) {
    return a.queries == b.queries && a.rank == b.rank && a.rank_average == b.rank_average;
  };
  const Postprocess methods[] = {NoPostprocess{},  DslSettings{},       DslSharedSettings{}, InvertedSoftmaxSettings{},
                                 QbNormSettings{}, NnnSettings{.k = 4}, SinkhornSettings{},  CslsSettings{.k = 5}};
  for (const auto& method : methods) {
    const auto of_tensor = prepare_postprocess(method, scores_), of_file = prepare_postprocess(method, file);
    AnswerNotes tensor_notes(4), file_notes(4);
    const auto name = postprocess_signature(method, "test_queries");
    EXPECT_TRUE(same(t2v_ranks(scores_, owner_, of_tensor.t2v, &tensor_notes),
                     t2v_ranks(file, owner_, of_file.t2v, &file_notes)))
        << name;
    EXPECT_TRUE(torch::equal(tensor_notes.best.items, file_notes.best.items)) << name;
    EXPECT_EQ(tensor_notes.truth_score, file_notes.truth_score) << name;
    for (const auto among : {CaptionRanks::kGroups, CaptionRanks::kCaptions}) {
      AnswerNotes of_videos(4);
      EXPECT_TRUE(same(v2t_ranks(scores_, owner_, among, of_tensor.v2t),
                       v2t_ranks(file, owner_, among, of_file.v2t, &of_videos)))
          << name;
      EXPECT_TRUE(
          torch::equal(of_videos.best.items, best_items(scores_, Direction::kVideoToText, 4, of_tensor.v2t).items))
          << name;
    }
  }
}

TEST_F(ScoresTest, NotesAreOfTheQueriesThatAreAsked) {
  const auto owner = torch::tensor({1, 1, 2}, torch::kInt64);  // video 0 has no text
  const auto scores = torch::tensor({{0.9F, 0.1F, 0.3F}, {0.8F, 0.5F, 0.2F}, {0.7F, 0.6F, 0.4F}});
  AnswerNotes notes(2);
  const auto ranks = v2t_ranks(scores, owner, CaptionRanks::kGroups, {}, &notes);
  EXPECT_EQ(ranks.queries, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(notes.truth_score, (std::vector<double>{0.5F, 0.4F}));
  EXPECT_TRUE(torch::equal(notes.best.items, torch::tensor({{2, 1}, {2, 0}}, torch::kInt64)));

  RightAnswers right{{{}, {0, 2}, {1}}, 3};
  AnswerNotes judged(1);
  judged_positions(scores, Direction::kTextToVideo, right, {}, &judged);
  EXPECT_EQ(judged.truth_score, (std::vector<double>{0.8F, 0.6F}));
  EXPECT_TRUE(torch::equal(judged.best.items, torch::tensor({{0}, {0}}, torch::kInt64)));
}

}  // namespace
}  // namespace glint::test
