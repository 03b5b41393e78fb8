#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "glint/eval/metrics.h"
#include "glint/eval/qrels.h"

namespace glint {

// Metrics where a query may have several right answers (docs/evaluation.md). Without ties they equal trec_eval's.

// 0-based positions of the right answers of every query that has one.
struct JudgedPositions {
  std::vector<int64_t> queries;                        // those asked, ascending
  std::vector<std::vector<double>> positions;          // of the m-th best right answer: wrong items above it + m - 1
  std::vector<std::vector<double>> positions_average;  // + half the wrong items equal to it
  int64_t not_asked = 0;                               // queries without a right answer

  const std::vector<std::vector<double>>& counted(Ties ties) const {
    return ties == Ties::kAverage ? positions_average : positions;
  }
  int64_t tied() const;  // queries with a right answer that equals a wrong item
};

// `right` is that of the direction: `transposed` where videos ask. Single captions are ranked. Throws Error where a
// score is NaN or a right answer's is not finite.
JudgedPositions judged_positions(const Scores& scores, Direction direction, const RightAnswers& right,
                                 const QueryTransform& transform = {}, AnswerNotes* notes = nullptr);

// Recalls named R@k count queries whose best right answer is among the first k (trec_eval's success); MdR, MnR and MRR
// are its rank's. nDCG@10 has gains 0 and 1, and its ideal min(10, right answers) terms.
struct JudgedMetrics : RetrievalMetrics {
  double recall5 = 0, recall10 = 0;  // fractions: mean share of a query's right answers that are among the first k
  double map = 0;                    // fraction: mean average precision over the whole list
  int64_t not_asked = 0;
};

// Throws Error where no query has a right answer.
JudgedMetrics summarise(const JudgedPositions& positions, Ties ties);

// Of one query, from its positions (ascending, at least one).
double ndcg10(const std::vector<double>& positions);
double average_precision(const std::vector<double>& positions);

}  // namespace glint
