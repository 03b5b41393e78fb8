#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace glint {

// One direction of retrieval. Recalls in percent; ranks start at 1.
struct RetrievalMetrics {
  double r1 = 0, r5 = 0, r10 = 0;
  double median_rank = 0;  // mean of the middle two for an even count
  double mean_rank = 0;
  int64_t queries = 0;
};

enum class Ties { kOptimistic, kAverage };  // rank = number of larger scores; + half the number of equal others

// 0-based rank of the right answer of every query. scores [A, B]; video_of_text int64 [A]: the video text a belongs to.
// Throws Error where a score is NaN or the right answer's is not finite: a broken model must not look good
// (methods 9.1).
std::vector<double> text_to_video_ranks(const torch::Tensor& scores, const torch::Tensor& video_of_text, Ties ties);
// A video's rank: its best caption against the best caption of every other video (methods 9.2). Videos without a
// caption are neither asked nor answers: they give no entry. The same Errors.
std::vector<double> video_to_text_ranks(const torch::Tensor& scores, const torch::Tensor& video_of_text, Ties ties);

// Throws Error where there is no rank.
RetrievalMetrics summarise(const std::vector<double>& ranks);

}  // namespace glint
