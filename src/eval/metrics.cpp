#include "glint/eval/metrics.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "glint/core/error.h"

// A texts, B videos. A rank is counted, not sorted for: one pass over the scores.

namespace glint {
namespace {

constexpr int64_t kVideosAtOnce = 64;  // videos ranked at once: their best captions stay in the cache

template <class Score>
struct Matrix {
  const Score* values;  // [A, B] row-major
  int64_t texts;
  int64_t videos;
  const Score* row(int64_t text) const { return values + text * videos; }
};

[[noreturn]] void refuse(double score, int64_t text, int64_t video) {
  throw Error("the score of text ", text, " and video ", video, " is ", score,
              ": the model has diverged or its weights are damaged, so there is no rank");
}

// How many of `count` values, `stride` apart, are above and equal to `own`.
struct Comparison {
  int64_t larger = 0;
  int64_t equal = 0;
};

double rank_of(const Comparison& found, Ties ties) {
  const double others = static_cast<double>(found.equal - 1);  // the right answer equals itself
  return static_cast<double>(found.larger) + (ties == Ties::kAverage ? others / 2 : 0);
}

template <class Score>
double text_rank(const Matrix<Score>& scores, int64_t text, int64_t video, Ties ties) {
  const Score* row = scores.row(text);
  const Score own = row[video];
  Comparison found;
  int64_t nans = 0;
  for (int64_t i = 0; i < scores.videos; ++i) {
    found.larger += row[i] > own;
    found.equal += row[i] == own;
    nans += row[i] != row[i];
  }
  if (!std::isfinite(own)) refuse(own, text, video);
  if (nans > 0) refuse(NAN, text, std::find_if(row, row + scores.videos, [](Score s) { return s != s; }) - row);
  return rank_of(found, ties);
}

// The best caption of every video against the videos [first, last): -> [B, last - first], -inf where it has no caption.
template <class Score>
std::vector<Score> best_captions(const Matrix<Score>& scores, const int64_t* video_of_text, int64_t first,
                                 int64_t last) {
  const int64_t width = last - first;
  std::vector<Score> best(static_cast<std::size_t>(scores.videos * width), -std::numeric_limits<Score>::infinity());
  for (int64_t text = 0; text < scores.texts; ++text) {
    const Score* row = scores.row(text) + first;
    Score* group = best.data() + video_of_text[text] * width;
    int64_t nans = 0;
    for (int64_t i = 0; i < width; ++i) {
      nans += row[i] != row[i];
      group[i] = row[i] > group[i] ? row[i] : group[i];
    }
    if (nans > 0) refuse(NAN, text, first + (std::find_if(row, row + width, [](Score s) { return s != s; }) - row));
  }
  return best;
}

template <class Score>
void video_ranks(const Matrix<Score>& scores, const int64_t* video_of_text, const std::vector<int64_t>& captions,
                 int64_t first, int64_t last, Ties ties, double* ranks) {
  const auto best = best_captions(scores, video_of_text, first, last);
  const int64_t width = last - first;
  for (int64_t video = first; video < last; ++video) {
    if (captions[static_cast<std::size_t>(video)] == 0) continue;
    const Score* column = best.data() + (video - first);
    const Score own = column[video * width];
    if (!std::isfinite(own)) {
      const int64_t text = std::find(video_of_text, video_of_text + scores.texts, video) - video_of_text;
      refuse(own, text, video);
    }
    Comparison found;  // a video without captions has -inf and is never above or equal
    for (int64_t other = 0; other < scores.videos; ++other) {
      found.larger += column[other * width] > own;
      found.equal += column[other * width] == own;
    }
    ranks[video] = rank_of(found, ties);
  }
}

// Checks the arguments and calls `work` with the matrix in its own precision and the videos of the texts.
template <class Work>
void with_matrix(const torch::Tensor& scores, const torch::Tensor& video_of_text, const Work& work) {
  GLINT_CHECK(scores.dim() == 2 && scores.is_floating_point(), "scores ", scores.toString(), " ", scores.sizes());
  const int64_t texts = scores.size(0), videos = scores.size(1);
  GLINT_CHECK(
      video_of_text.scalar_type() == torch::kInt64 && video_of_text.dim() == 1 && video_of_text.size(0) == texts,
      "video_of_text ", video_of_text.sizes(), ", scores ", scores.sizes());
  const auto owners = video_of_text.to(torch::kCPU).contiguous();
  const int64_t* owner = owners.template const_data_ptr<int64_t>();
  GLINT_CHECK(std::all_of(owner, owner + texts, [&](int64_t v) { return v >= 0 && v < videos; }),
              "a text's video is not one of ", videos);
  const bool is_double = scores.scalar_type() == torch::kFloat64;
  const auto plain = scores.detach().to(torch::kCPU, is_double ? torch::kFloat64 : torch::kFloat32).contiguous();
  if (is_double) {
    work(Matrix<double>{plain.template const_data_ptr<double>(), texts, videos}, owner);
  } else {
    work(Matrix<float>{plain.template const_data_ptr<float>(), texts, videos}, owner);
  }
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

}  // namespace

std::vector<double> text_to_video_ranks(const torch::Tensor& scores, const torch::Tensor& video_of_text, Ties ties) {
  std::vector<double> ranks(static_cast<std::size_t>(scores.size(0)));
  with_matrix(scores, video_of_text, [&](const auto& matrix, const int64_t* owner) {
    at::parallel_for(0, matrix.texts, 16, [&](int64_t first, int64_t last) {
      for (int64_t text = first; text < last; ++text) {
        ranks[static_cast<std::size_t>(text)] = text_rank(matrix, text, owner[text], ties);
      }
    });
  });
  return ranks;
}

std::vector<double> video_to_text_ranks(const torch::Tensor& scores, const torch::Tensor& video_of_text, Ties ties) {
  std::vector<double> ranks;
  with_matrix(scores, video_of_text, [&](const auto& matrix, const int64_t* owner) {
    std::vector<int64_t> captions(static_cast<std::size_t>(matrix.videos));
    for (int64_t text = 0; text < matrix.texts; ++text) ++captions[static_cast<std::size_t>(owner[text])];
    std::vector<double> all(captions.size());
    const int64_t blocks = (matrix.videos + kVideosAtOnce - 1) / kVideosAtOnce;
    at::parallel_for(0, blocks, 1, [&](int64_t first, int64_t last) {
      for (int64_t block = first; block < last; ++block) {
        const int64_t end = std::min((block + 1) * kVideosAtOnce, matrix.videos);
        video_ranks(matrix, owner, captions, block * kVideosAtOnce, end, ties, all.data());
      }
    });
    for (std::size_t video = 0; video < all.size(); ++video) {
      if (captions[video] > 0) ranks.push_back(all[video]);
    }
  });
  return ranks;
}

RetrievalMetrics summarise(const std::vector<double>& ranks) {
  if (ranks.empty()) throw Error("there is nothing to evaluate: the split holds no query with a right answer");
  const auto count = static_cast<double>(ranks.size());
  const auto recall = [&](double k) {
    return 100 * static_cast<double>(std::count_if(ranks.begin(), ranks.end(), [k](double r) { return r < k; })) /
           count;
  };
  RetrievalMetrics metrics;
  metrics.r1 = recall(1);
  metrics.r5 = recall(5);
  metrics.r10 = recall(10);
  metrics.median_rank = median(ranks) + 1;
  metrics.mean_rank = std::accumulate(ranks.begin(), ranks.end(), 0.0) / count + 1;
  metrics.queries = static_cast<int64_t>(ranks.size());
  return metrics;
}

}  // namespace glint
