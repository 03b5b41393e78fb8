#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "glint/eval/scores.h"

namespace glint {

// One direction of retrieval (docs/evaluation.md). Recalls and their sum in percent; ranks start at 1; MRR and nDCG
// are fractions.
struct RetrievalMetrics {
  double r1 = 0, r5 = 0, r10 = 0, r50 = 0;
  double rsum = 0;         // R@1 + R@5 + R@10
  double median_rank = 0;  // mean of the middle two for an even count
  double mean_rank = 0;
  double mrr = 0;     // mean of 1 / rank
  double ndcg10 = 0;  // one right answer: mean of 1 / log2(1 + rank) where rank <= 10, else 0
  int64_t queries = 0;
  int64_t tied = 0;  // queries whose right answer has the score of another item: what `Ties` decides about
};

enum class Ties { kOptimistic, kAverage };  // rank = number of larger scores; + half the number of equal others

// Which captions a video's best own one is ranked among, where videos have several.
enum class CaptionRanks {
  kGroups,   // the best caption of every other video (CLIP4Clip's line)
  kCaptions  // every single caption of the other videos (InternVideo2's itm_eval, DBSN, PE)
};

// Scores as they are ranked: the scores [n, G] of queries [first, first + n) -> float64 [n, G]. It is called block by
// block and from several threads at once, so no float64 copy of all scores is made. Empty: the scores themselves.
using QueryTransform = std::function<torch::Tensor(const torch::Tensor& scores, int64_t first)>;

// 0-based ranks of the right answers.
struct Ranks {
  std::vector<int64_t> queries;      // the text or video that each rank belongs to, ascending
  std::vector<double> rank;          // number of larger scores
  std::vector<double> rank_average;  // + half the number of equal others

  const std::vector<double>& counted(Ties ties) const { return ties == Ties::kAverage ? rank_average : rank; }
  int64_t tied() const;  // how many have an equal other
};

// The best items of every query, best first, equal ones by lower index.
struct BestItems {
  torch::Tensor items;   // int64 [Q, k]
  torch::Tensor scores;  // float64 [Q, k], as ranked
};

// What a pass that counts ranks may note besides, of every query that has a rank (Q of them).
struct AnswerNotes {
  explicit AnswerNotes(int64_t best_items) : k(best_items) {}
  int64_t k;                        // best items noted; cut to the size of the gallery
  BestItems best;                   // [Q, k]
  std::vector<double> truth_score;  // [Q], as ranked: of the (best) right answer
};

// Ranks of every text's video. video_of_text int64 [A]: the video text a belongs to. Throws Error where a score is NaN
// or the right answer's is not finite: a broken model must not look good (methods 9.1).
Ranks t2v_ranks(const Scores& scores, const torch::Tensor& video_of_text, const QueryTransform& transform = {},
                AnswerNotes* notes = nullptr);
// Ranks of every video's best own caption (methods 9.2). Videos without a caption are neither asked nor answers: they
// give no entry. The same Errors. The transform sees rows of videos against all texts.
Ranks v2t_ranks(const Scores& scores, const torch::Tensor& video_of_text, CaptionRanks among,
                const QueryTransform& transform = {}, AnswerNotes* notes = nullptr);

// The same, one way of counting ties; video_to_text_ranks ranks groups.
std::vector<double> text_to_video_ranks(const Scores& scores, const torch::Tensor& video_of_text, Ties ties);
std::vector<double> video_to_text_ranks(const Scores& scores, const torch::Tensor& video_of_text, Ties ties);

// Throws Error where there is no rank.
RetrievalMetrics summarise(const Ranks& ranks, Ties ties);
RetrievalMetrics summarise(const std::vector<double>& ranks);  // `tied` stays 0

// k is cut to the size of the gallery. Throws Error where a score is NaN.
BestItems best_items(const Scores& scores, Direction direction, int64_t k, const QueryTransform& transform = {});

}  // namespace glint
