#include "glint/eval/bank.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "eval/query_blocks.h"
#include "glint/core/error.h"

// M bank queries, G gallery items. Each item's numbers are summed by one thread: ATen's reductions add in an order that
// depends on the column, which would tell equal items apart.

namespace glint {
namespace {

constexpr int64_t kItemsAtOnce = 32;  // of a thread

torch::Tensor to_tensor(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64);
}

template <class Value>
torch::Tensor per_item(const std::vector<RunningLogSumExp>& sums, const Value& value) {
  std::vector<double> values(sums.size());
  std::transform(sums.begin(), sums.end(), values.begin(), value);
  return to_tensor(values);
}

template <class Score>
void refuse_non_finite(const Score* scores, int64_t count) {
  int64_t bad = 0;
  for (int64_t i = 0; i < count; ++i) bad += !(std::abs(scores[i]) <= std::numeric_limits<Score>::max());
  if (bad == 0) return;
  throw Error("a score of the post-processing bank is ",
              *std::find_if(scores, scores + count, [](Score s) { return !std::isfinite(s); }),
              ": the model has diverged or its weights are damaged; eval.postprocess = none does without a bank");
}

// Calls work(rows, m) with the block's scores, row-major [m, G] in float or double, a few rows at a time.
template <class Work>
void for_bank_rows(const torch::Tensor& block, std::size_t num_items, const Work& work) {
  const auto items = static_cast<int64_t>(num_items);
  GLINT_CHECK(block.dim() == 2 && block.size(1) == items && block.is_floating_point(), "a bank block ",
              block.toString(), " ", block.sizes(), " for ", items, " items");
  const auto type = block.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  const int64_t step = std::max(kFewestRows, kScoresAtOnce / std::max<int64_t>(1, items));
  for (int64_t first = 0; first < block.size(0); first += step) {
    const int64_t count = std::min(step, block.size(0) - first);
    const auto rows = block.detach().narrow(0, first, count).to(torch::kCPU, type).contiguous();  // [m, G]
    const auto take = [&](const auto* scores) {
      refuse_non_finite(scores, count * items);
      work(scores, count);
    };
    if (type == torch::kFloat64) {
      take(rows.const_data_ptr<double>());
    } else {
      take(rows.const_data_ptr<float>());
    }
  }
}

// add(query, item, score) for all scores; the queries of an item come in order and from one thread.
template <class Score, class Add>
void for_each_item(const Score* rows, int64_t queries, std::size_t num_items, const Add& add) {
  const auto items = static_cast<int64_t>(num_items);
  at::parallel_for(0, items, kItemsAtOnce, [&](int64_t begin, int64_t end) {
    for (int64_t query = 0; query < queries; ++query) {
      const Score* row = rows + query * items;
      for (int64_t item = begin; item < end; ++item)
        add(static_cast<std::size_t>(query), static_cast<std::size_t>(item), row[item]);
    }
  });
}

}  // namespace

Bank bank_of(const torch::Tensor& scores) {
  return [scores](const auto& take) { take(scores); };
}

Bank bank_of(const Scores& scores, Direction direction) {
  return [scores, direction](const auto& take) {
    const int64_t queries = scores.queries(direction), step = scores.panel_rows(direction);
    for (int64_t first = 0; first < queries; first += step)
      take(scores.rows(direction, first, std::min(step, queries - first)));
  };
}

void RunningLogSumExp::add(double x, double beta) {
  if (x > largest) {
    others = (others + 1) * std::exp(beta * (largest - x));  // the first x: exp(-inf)
    largest = x;
  } else {
    others += std::exp(beta * (x - largest));
  }
}

double RunningLogSumExp::rest(double beta) const {
  return std::log1p(others) / beta;
}

SoftmaxBias::SoftmaxBias(int64_t items, double beta) : beta_(beta), sums_(static_cast<std::size_t>(items)) {
  GLINT_CHECK(beta > 0, "beta ", beta);
}

void SoftmaxBias::add(const torch::Tensor& block) {
  for_bank_rows(block, sums_.size(), [&](const auto* rows, int64_t count) {
    for_each_item(rows, count, sums_.size(),
                  [&](std::size_t, std::size_t item, double score) { sums_[item].add(score, beta_); });
  });
  queries_ += block.size(0);
}

torch::Tensor SoftmaxBias::largest() const {
  return per_item(sums_, [](const RunningLogSumExp& sum) { return sum.largest; });
}
torch::Tensor SoftmaxBias::rest() const {
  return per_item(sums_, [this](const RunningLogSumExp& sum) { return sum.rest(beta_); });
}
torch::Tensor SoftmaxBias::biases() const {
  return largest() + rest();
}

HubCounter::HubCounter(int64_t items, int64_t k) : k_(std::min(k, items)), hits_(static_cast<std::size_t>(items)) {
  GLINT_CHECK(k > 0, "k ", k);
}

void HubCounter::add(const torch::Tensor& block) {
  if (hits_.empty()) return;
  const auto items = static_cast<int64_t>(hits_.size());
  for_bank_rows(block, hits_.size(), [&](const auto* rows, int64_t count) {
    std::vector<int64_t> top;
    for (int64_t query = 0; query < count; ++query) {
      top_items(rows + query * items, items, k_, top);
      for (const int64_t item : top) ++hits_[static_cast<std::size_t>(item)];
    }
  });
}

torch::Tensor HubCounter::hits() const {
  return torch::tensor(hits_, torch::kInt64);
}

NearestMean::NearestMean(int64_t items, int64_t k)
    : k_(static_cast<std::size_t>(k)), heaps_(static_cast<std::size_t>(items) * k_) {
  GLINT_CHECK(k > 0, "k ", k);
}

void NearestMean::add(const torch::Tensor& block) {
  const auto items = heaps_.size() / k_;
  for_bank_rows(block, items, [&](const auto* rows, int64_t count) {
    for_each_item(rows, count, items, [&](std::size_t query, std::size_t item, double score) {
      const auto heap = heaps_.begin() + static_cast<std::ptrdiff_t>(item * k_);
      if (const auto held = queries_ + query; held < k_) {
        heap[static_cast<std::ptrdiff_t>(held)] = score;
        std::push_heap(heap, heap + static_cast<std::ptrdiff_t>(held) + 1, std::greater<>());
      } else if (score > *heap) {
        const auto end = heap + static_cast<std::ptrdiff_t>(k_);
        std::pop_heap(heap, end, std::greater<>());
        *(end - 1) = score;
        std::push_heap(heap, end, std::greater<>());
      }
    });
    queries_ += static_cast<std::size_t>(count);
  });
}

torch::Tensor NearestMean::means() const {
  if (queries_ < k_) {
    throw Error("eval.postprocess averages the ", k_, " largest scores of every item, and its bank has ", queries_,
                queries_ == 1 ? " query" : " queries", ": too small for this method");
  }
  std::vector<double> means(heaps_.size() / k_);
  for (std::size_t item = 0; item < means.size(); ++item) {
    std::vector<double> largest(heaps_.begin() + static_cast<std::ptrdiff_t>(item * k_),
                                heaps_.begin() + static_cast<std::ptrdiff_t>((item + 1) * k_));
    std::sort(largest.begin(), largest.end());  // the heap's order tells of the bank's
    means[item] = std::accumulate(largest.begin(), largest.end(), 0.0) / static_cast<double>(k_);
  }
  return to_tensor(means);
}

SinkhornScaling::SinkhornScaling(int64_t items, double tau, const std::optional<torch::Tensor>& start)
    : tau_(tau), log_u_(static_cast<std::size_t>(items), -std::log(static_cast<double>(items))), sums_(log_u_.size()) {
  GLINT_CHECK(tau > 0, "tau ", tau);
  if (!start) return;
  GLINT_CHECK(start->dim() == 1 && start->size(0) == items, "start ", start->sizes(), " for ", items, " items");
  const auto values = start->to(torch::kCPU, torch::kFloat64).contiguous();
  std::copy_n(values.const_data_ptr<double>(), items, log_u_.begin());
}

void SinkhornScaling::add(const torch::Tensor& block) {
  const auto log_kernel = [this](double score) { return (score - 1) / tau_; };
  for_bank_rows(block, log_u_.size(), [&](const auto* rows, int64_t count) {
    const auto before = coming_log_v_.size();
    coming_log_v_.resize(before + static_cast<std::size_t>(count));
    at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t query = begin; query < end; ++query) {
        const auto* row = rows + query * std::ssize(log_u_);
        RunningLogSumExp sum;
        for (std::size_t item = 0; item < log_u_.size(); ++item) sum.add(log_kernel(row[item]) + log_u_[item], 1);
        coming_log_v_[before + static_cast<std::size_t>(query)] = -(sum.largest + sum.rest(1));
      }
    });
    for_each_item(rows, count, log_u_.size(), [&](std::size_t query, std::size_t item, double score) {
      sums_[item].add(log_kernel(score) + coming_log_v_[before + query], 1);
    });
  });
}

void SinkhornScaling::end_round() {
  GLINT_CHECK(!coming_log_v_.empty(), "a round of Sinkhorn without a bank query");
  const double log_queries = std::log(static_cast<double>(coming_log_v_.size()));
  const double log_items = std::log(static_cast<double>(log_u_.size()));
  for (std::size_t item = 0; item < log_u_.size(); ++item) {
    log_u_[item] = -log_items - (sums_[item].largest + sums_[item].rest(1) - log_queries);
  }
  log_v_ = std::move(coming_log_v_);
  for (double& log_v : log_v_) log_v -= log_queries;
  coming_log_v_.clear();
  sums_.assign(log_u_.size(), {});
}

torch::Tensor SinkhornScaling::item_biases() const {
  return to_tensor(log_u_).mul_(-tau_);
}
torch::Tensor SinkhornScaling::query_biases() const {
  return to_tensor(log_v_).mul_(-tau_);
}

}  // namespace glint
