#include "glint/eval/metrics.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "eval/query_blocks.h"
#include "glint/core/error.h"

// A rank is counted, not sorted for: one pass over the scores.

namespace glint {
namespace {

// How many scores are above the right answer's, and how many others equal it.
struct Comparison {
  int64_t larger = 0;
  int64_t equal = 0;
};

template <class Score>
Comparison compare_all(const Score* scores, int64_t count, Score own) {
  Comparison found;
  for (int64_t i = 0; i < count; ++i) {
    found.larger += scores[i] > own;
    found.equal += scores[i] == own;
  }
  return found;
}

// The captions of every video: texts[begin[b]] up to texts[begin[b + 1]].
struct CaptionGroups {
  std::vector<int64_t> begin;  // [B + 1]
  std::vector<int64_t> texts;  // [A]
  int64_t videos() const { return std::ssize(begin) - 1; }
  bool is_empty(int64_t video) const { return count(video) == 0; }
  int64_t count(int64_t video) const { return begin[index(video) + 1] - begin[index(video)]; }

  template <class Score>
  Score best(const Score* scores, int64_t video) const {
    Score best = -std::numeric_limits<Score>::infinity();
    for (int64_t i = begin[index(video)]; i < begin[index(video) + 1]; ++i) {
      best = std::max(best, scores[texts[index(i)]]);
    }
    return best;
  }

 private:
  static std::size_t index(int64_t i) { return static_cast<std::size_t>(i); }
};

std::vector<int64_t> checked_owners(const torch::Tensor& video_of_text, const Scores& scores) {
  const int64_t texts = scores.texts(), videos = scores.videos();
  GLINT_CHECK(
      video_of_text.scalar_type() == torch::kInt64 && video_of_text.dim() == 1 && video_of_text.size(0) == texts,
      "video_of_text ", video_of_text.sizes(), ", scores ", texts, " x ", videos);
  const auto owners = video_of_text.to(torch::kCPU).contiguous();
  const int64_t* owner = owners.const_data_ptr<int64_t>();
  GLINT_CHECK(std::all_of(owner, owner + texts, [&](int64_t v) { return v >= 0 && v < videos; }),
              "a text's video is not one of ", videos);
  return {owner, owner + texts};
}

CaptionGroups group_captions(const std::vector<int64_t>& owners, int64_t videos) {
  CaptionGroups groups;
  groups.begin.assign(static_cast<std::size_t>(videos) + 1, 0);
  for (const int64_t owner : owners) ++groups.begin[static_cast<std::size_t>(owner) + 1];
  std::partial_sum(groups.begin.begin(), groups.begin.end(), groups.begin.begin());
  auto next = groups.begin;
  groups.texts.resize(owners.size());
  for (std::size_t text = 0; text < owners.size(); ++text) {
    groups.texts[static_cast<std::size_t>(next[static_cast<std::size_t>(owners[text])]++)] = static_cast<int64_t>(text);
  }
  return groups;
}

// A video's row of scores against all texts: its best own caption among the best of the others.
template <class Score>
Comparison compare_groups(const Score* row, const CaptionGroups& groups, Score own, std::vector<Score>& best) {
  best.resize(static_cast<std::size_t>(groups.videos()));
  // A video without captions has -inf, which is never above or equal.
  for (std::size_t video = 0; video < best.size(); ++video) {
    best[video] = groups.best(row, static_cast<int64_t>(video));
  }
  auto found = compare_all(best.data(), groups.videos(), own);
  --found.equal;  // its own
  return found;
}

template <class Score>
Comparison compare_captions(const Score* row, const CaptionGroups& groups, int64_t video, Score own) {
  auto found = compare_all(row, std::ssize(groups.texts), own);
  for (auto i = groups.begin[static_cast<std::size_t>(video)]; i < groups.begin[static_cast<std::size_t>(video) + 1];
       ++i)
    found.equal -= row[groups.texts[static_cast<std::size_t>(i)]] == own;  // right answers too
  return found;
}

Ranks to_ranks(std::vector<int64_t> queries, const std::vector<Comparison>& comparisons) {
  Ranks ranks;
  for (const int64_t query : queries) {
    const auto& found = comparisons[static_cast<std::size_t>(query)];
    ranks.rank.push_back(static_cast<double>(found.larger));
    ranks.rank_average.push_back(static_cast<double>(found.larger) + static_cast<double>(found.equal) / 2);
  }
  ranks.queries = std::move(queries);
  return ranks;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

}  // namespace

int64_t Ranks::tied() const {
  int64_t count = 0;
  for (std::size_t i = 0; i < rank.size(); ++i) count += rank[i] != rank_average[i];
  return count;
}

Ranks t2v_ranks(const Scores& scores, const torch::Tensor& video_of_text, const QueryTransform& transform,
                AnswerNotes* notes) {
  constexpr auto kDirection = Direction::kTextToVideo;
  const auto owners = checked_owners(video_of_text, scores);
  std::vector<Comparison> comparisons(owners.size());
  NoteTaker noted(notes, std::ssize(owners), scores.videos());
  for_query_blocks(scores, kDirection, transform, [&](const auto& block) {
    for (int64_t text = block.first; text < block.first + block.count; ++text) {
      const int64_t video = owners[static_cast<std::size_t>(text)];
      const auto* row = block.row(text);
      if (!std::isfinite(row[video])) refuse_score(row[video], kDirection, text, video);
      refuse_nan(row, block.items, kDirection, text);
      auto found = compare_all(row, block.items, row[video]);
      --found.equal;  // the right answer equals itself
      comparisons[static_cast<std::size_t>(text)] = found;
      noted.take(text, row, row[video]);
    }
  });
  std::vector<int64_t> queries(owners.size());
  std::iota(queries.begin(), queries.end(), 0);
  return to_ranks(std::move(queries), comparisons);
}

Ranks v2t_ranks(const Scores& scores, const torch::Tensor& video_of_text, CaptionRanks among,
                const QueryTransform& transform, AnswerNotes* notes) {
  constexpr auto kDirection = Direction::kVideoToText;
  const auto groups = group_captions(checked_owners(video_of_text, scores), scores.videos());
  std::vector<int64_t> queries, place(static_cast<std::size_t>(groups.videos()));  // place: among those asked
  for (int64_t video = 0; video < groups.videos(); ++video) {
    place[static_cast<std::size_t>(video)] = std::ssize(queries);
    if (!groups.is_empty(video)) queries.push_back(video);
  }
  std::vector<Comparison> comparisons(static_cast<std::size_t>(groups.videos()));
  NoteTaker noted(notes, std::ssize(queries), scores.texts());
  for_query_blocks(scores, kDirection, transform, [&](const auto& block) {
    std::vector<std::decay_t<decltype(*block.values)>> best;
    for (int64_t video = block.first; video < block.first + block.count; ++video) {
      const auto* row = block.row(video);
      refuse_nan(row, block.items, kDirection, video);
      if (groups.is_empty(video)) continue;
      const auto own = groups.best(row, video);
      if (!std::isfinite(own)) {
        refuse_score(own, kDirection, video,
                     groups.texts[static_cast<std::size_t>(groups.begin[static_cast<std::size_t>(video)])]);
      }
      comparisons[static_cast<std::size_t>(video)] = among == CaptionRanks::kGroups
                                                         ? compare_groups(row, groups, own, best)
                                                         : compare_captions(row, groups, video, own);
      noted.take(place[static_cast<std::size_t>(video)], row, own);
    }
  });
  return to_ranks(std::move(queries), comparisons);
}

std::vector<double> text_to_video_ranks(const Scores& scores, const torch::Tensor& video_of_text, Ties ties) {
  return t2v_ranks(scores, video_of_text).counted(ties);
}

std::vector<double> video_to_text_ranks(const Scores& scores, const torch::Tensor& video_of_text, Ties ties) {
  return v2t_ranks(scores, video_of_text, CaptionRanks::kGroups).counted(ties);
}

RetrievalMetrics summarise(const Ranks& ranks, Ties ties) {
  auto metrics = summarise(ranks.counted(ties));
  metrics.tied = ranks.tied();
  return metrics;
}

RetrievalMetrics summarise(const std::vector<double>& ranks) {
  if (ranks.empty()) throw Error("there is nothing to evaluate: the split holds no query with a right answer");
  const auto count = static_cast<double>(ranks.size());
  const auto recall = [&](double k) {
    return 100 * static_cast<double>(std::count_if(ranks.begin(), ranks.end(), [k](double r) { return r < k; })) /
           count;
  };
  const auto mean = [&](const auto& value) {
    return std::accumulate(ranks.begin(), ranks.end(), 0.0, [&](double sum, double r) { return sum + value(r); }) /
           count;
  };
  RetrievalMetrics metrics;
  metrics.r1 = recall(1);
  metrics.r5 = recall(5);
  metrics.r10 = recall(10);
  metrics.r50 = recall(50);
  metrics.rsum = metrics.r1 + metrics.r5 + metrics.r10;
  metrics.median_rank = median(ranks) + 1;
  metrics.mean_rank = mean([](double r) { return r; }) + 1;
  metrics.mrr = mean([](double r) { return 1 / (1 + r); });
  metrics.ndcg10 = mean([](double r) { return r < 10 ? 1 / std::log2(2 + r) : 0; });
  metrics.queries = static_cast<int64_t>(ranks.size());
  return metrics;
}

BestItems best_items(const Scores& scores, Direction direction, int64_t k, const QueryTransform& transform) {
  AnswerNotes notes(k);
  NoteTaker noted(&notes, scores.queries(direction), scores.items(direction));
  for_query_blocks(scores, direction, transform, [&](const auto& block) {
    for (int64_t query = block.first; query < block.first + block.count; ++query) {
      refuse_nan(block.row(query), block.items, direction, query);
      noted.take(query, block.row(query), 0);
    }
  });
  return notes.best;
}

}  // namespace glint
