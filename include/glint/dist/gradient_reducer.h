#pragma once

#include <torch/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "glint/dist/communicator.h"

namespace glint {

// Sums the gradients of a step over the ranks; full buckets travel while backward() goes on. c10d's Reducer underneath.
// One rank: plain backward passes.
//
// A step's earlier backward passes (parts of a batch) only add up in this process; backward() is its last one. When it
// returns, .grad of every parameter is the sum over the ranks of what all passes of the step left there, also for
// parameters that the last pass, or this rank, did not reach; one that got no gradient on any rank stays without. All
// ranks must call it in the same steps, and clear gradients between steps (set undefined or zero). After it .grad is a
// part of the reducer's own memory: a step needs the gradients once, and while earlier passes add up twice.
class GradientReducer {
 public:
  // Parameters by name; those that need no gradient (now) are left out, of shared ones the first name counts. Throws
  // Error where another rank has others. Calls of the communicator, on all ranks.
  GradientReducer(const std::vector<std::pair<std::string, torch::Tensor>>& parameters,
                  std::shared_ptr<Communicator> communicator, std::int64_t bucket_mb = 25);
  ~GradientReducer();
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;

  // The step's last backward pass, from `outputs` with `gradients` (empty: outputs are numbers, which get 1). No
  // outputs at all are a pass that reaches nothing. Throws Error where a rank is lost meanwhile, whatever LibTorch
  // threw.
  void backward(const std::vector<torch::Tensor>& outputs, const std::vector<torch::Tensor>& gradients = {});

 private:
  struct Impl;                  // keeps c10d's headers out of this one
  std::unique_ptr<Impl> impl_;  // null where there is one rank
};

}  // namespace glint
