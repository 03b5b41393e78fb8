#pragma once

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "glint/core/error.h"
#include "glint/eval/metrics.h"

// What ranks, normalises or judges sees the scores of a few queries at a time.

namespace glint {

inline constexpr int64_t kScoresAtOnce = 1 << 17;  // of a block: 1 MB in float64
inline constexpr int64_t kFewestRows = 16;  // of a block: columns of a row-major matrix are read a cache line at once

// Scores of queries [first, first + count) against all items, row-major.
template <class Score>
struct QueryBlock {
  const Score* values;
  int64_t first;
  int64_t count;
  int64_t items;
  const Score* row(int64_t query) const { return values + (query - first) * items; }
};

[[noreturn]] inline void refuse_score(double score, Direction direction, int64_t query, int64_t item) {
  const bool text_asks = direction == Direction::kTextToVideo;
  throw Error("the score of text ", text_asks ? query : item, " and video ", text_asks ? item : query, " is ", score,
              ": the model has diverged or its weights are damaged, so there is no rank");
}

// Throws Error at the first of `count` scores of a query that is NaN.
template <class Score>
void refuse_nan(const Score* row, int64_t count, Direction direction, int64_t query) {
  int64_t nans = 0;
  for (int64_t i = 0; i < count; ++i) nans += row[i] != row[i];
  if (nans > 0)
    refuse_score(NAN, direction, query, std::find_if(row, row + count, [](Score s) { return s != s; }) - row);
}

// As for_query_blocks(), for the queries first_query, first_query + 1, ... whose rows [n, G] these are.
template <class Work>
void for_panel_blocks(const torch::Tensor& panel, int64_t first_query, const QueryTransform& transform,
                      const Work& work) {
  const int64_t queries = panel.size(0), items = panel.size(1);
  const int64_t step =
      std::clamp(kScoresAtOnce / std::max<int64_t>(1, items), kFewestRows, std::max(queries, kFewestRows));
  at::parallel_for(0, (queries + step - 1) / step, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i * step, count = std::min(step, queries - first);
      auto block = panel.narrow(0, first, count);  // [n, G]
      if (transform) block = transform(block, first_query + first);
      GLINT_CHECK(block.size(0) == count && block.size(1) == items, "a block became ", block.sizes());
      const bool is_double = block.scalar_type() == torch::kFloat64;
      block = block.to(torch::kCPU, is_double ? torch::kFloat64 : torch::kFloat32).contiguous();
      if (is_double) {
        work(QueryBlock<double>{block.template const_data_ptr<double>(), first_query + first, count, items});
      } else {
        work(QueryBlock<float>{block.template const_data_ptr<float>(), first_query + first, count, items});
      }
    }
  });
}

// Calls work(QueryBlock<float or double>) for all queries of a direction, from several threads. Scores are float64
// where they came so or were transformed.
template <class Work>
void for_query_blocks(const Scores& scores, Direction direction, const QueryTransform& transform, const Work& work) {
  const int64_t queries = scores.queries(direction), step = scores.panel_rows(direction);
  for (int64_t first = 0; first < queries; first += step) {
    for_panel_blocks(scores.rows(direction, first, std::min(step, queries - first)), first, transform, work);
  }
}

// The indices of the k largest of `count` values, largest first, equal ones by lower index; none of the values is NaN.
template <class Score>
void top_items(const Score* values, int64_t count, int64_t k, std::vector<int64_t>& top) {
  top.clear();
  for (int64_t i = 0; i < count; ++i) {
    if (std::ssize(top) == k) {
      if (!(values[i] > values[top.back()])) continue;
      top.pop_back();
    }
    top.insert(std::upper_bound(top.begin(), top.end(), values[i], [&](Score v, int64_t t) { return v > values[t]; }),
               i);
  }
}

// Writes AnswerNotes, each query's once, from any thread.
class NoteTaker {
 public:
  // `notes` may be null: nothing is noted then.
  NoteTaker(AnswerNotes* notes, int64_t queries, int64_t items) : notes_(notes) {
    if (notes_ == nullptr) return;
    GLINT_CHECK(notes_->k > 0, "k ", notes_->k);
    notes_->k = std::min(notes_->k, items);
    notes_->best = {torch::empty({queries, notes_->k}, torch::kInt64),
                    torch::empty({queries, notes_->k}, torch::kFloat64)};
    notes_->truth_score.resize(static_cast<std::size_t>(queries));
    items_ = items;
    best_ = notes_->best.items.mutable_data_ptr<int64_t>();
    scores_ = notes_->best.scores.mutable_data_ptr<double>();
  }

  // `query`: its place among those that are asked; none of its scores is NaN.
  template <class Score>
  void take(int64_t query, const Score* row, double truth_score) {
    if (notes_ == nullptr) return;
    thread_local std::vector<int64_t> top;
    top_items(row, items_, notes_->k, top);
    for (int64_t i = 0; i < notes_->k; ++i) {
      best_[query * notes_->k + i] = top[static_cast<std::size_t>(i)];
      scores_[query * notes_->k + i] = row[top[static_cast<std::size_t>(i)]];
    }
    notes_->truth_score[static_cast<std::size_t>(query)] = truth_score;
  }

 private:
  AnswerNotes* notes_;
  int64_t items_ = 0;
  int64_t* best_ = nullptr;
  double* scores_ = nullptr;
};

}  // namespace glint
