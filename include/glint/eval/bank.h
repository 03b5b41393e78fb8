#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "glint/eval/scores.h"

namespace glint {

// What post-processing learns of a bank: scores of M bank queries against the G items of the gallery. A bank comes in
// blocks [m, G] of any size, of any floating type, and may be larger than memory. All sums are in float64, query after
// query for each item: the size of the blocks and the number of threads change nothing, and equal items get equal
// numbers. The order of the queries changes the last digits at most. add() throws Error where a score is not finite.

// Hands all blocks of a bank to `take`, in the same order whenever it is called. Empty: the test queries.
using Bank = std::function<void(const std::function<void(const torch::Tensor& block)>& take)>;

// A bank that is a matrix [M, G]; a transposed view is copied a block at a time.
Bank bank_of(const torch::Tensor& scores);
// The queries of that direction.
Bank bank_of(const Scores& scores, Direction direction);

// log(sum_i exp(beta x_i)) / beta of numbers that arrive one by one, without overflow. The largest is kept apart: where
// it owns the sum, what the others add is below the last digit of the result and still known.
struct RunningLogSumExp {
  double largest = -std::numeric_limits<double>::infinity();
  double others = 0;  // sum of exp(beta (x - largest)) over all but the largest

  void add(double x, double beta);
  double rest(double beta) const;  // the result - largest, >= 0
};

// Inverted softmax and dual softmax: lse_q(beta B_qj) / beta of every item.
class SoftmaxBias {
 public:
  SoftmaxBias(int64_t items, double beta);
  void add(const torch::Tensor& block);
  int64_t queries() const { return queries_; }
  torch::Tensor largest() const;  // float64 [G]: the largest score of the item
  torch::Tensor rest() const;     // float64 [G]: the bias - largest
  torch::Tensor biases() const;   // float64 [G]: to be subtracted from the item's scores

 private:
  double beta_;
  int64_t queries_ = 0;
  std::vector<RunningLogSumExp> sums_;  // [G]
};

// QB-Norm's hubs: how often an item is among the k best of a bank query (equal scores: the item of lower index).
class HubCounter {
 public:
  HubCounter(int64_t items, int64_t k);
  void add(const torch::Tensor& block);
  torch::Tensor hits() const;  // int64 [G]

 private:
  int64_t k_;
  std::vector<int64_t> hits_;  // [G]
};

// NNN and CSLS: the mean of an item's k largest scores. Keeps G x k numbers.
class NearestMean {
 public:
  NearestMean(int64_t items, int64_t k);
  void add(const torch::Tensor& block);
  torch::Tensor means() const;  // float64 [G]; Error where the bank held fewer than k queries

 private:
  std::size_t k_;
  std::size_t queries_ = 0;
  std::vector<double> heaps_;  // [G, k]: min-heaps
};

// Sinkhorn scaling of K = exp(-(1 - B) / tau) to uniform marginals, in logarithms (DBSN `44aacaa`, arXiv 2508.02538;
// POT's sinkhorn_knopp). A round shows the whole bank once: every query's v follows from u, then u from all v. Items
// behind the gallery's own (a dual bank) may be among the columns.
class SinkhornScaling {
 public:
  // `start`: log u [G] before the first round; without it u = 1 / G.
  SinkhornScaling(int64_t items, double tau, const std::optional<torch::Tensor>& start = std::nullopt);
  void add(const torch::Tensor& block);
  void end_round();                    // the whole bank has been added; at least one query
  torch::Tensor item_biases() const;   // float64 [G]: -tau log u, to be subtracted from the item's scores
  torch::Tensor query_biases() const;  // float64 [M]: -tau log v of the last round, in the order of the bank

 private:
  double tau_;
  std::vector<double> log_u_;           // [G]
  std::vector<double> log_v_;           // [M], of the round before
  std::vector<double> coming_log_v_;    // of this round so far, without the - log M
  std::vector<RunningLogSumExp> sums_;  // [G]: over the queries of this round
};

}  // namespace glint
