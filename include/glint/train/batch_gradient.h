#pragma once

#include <string>
#include <utility>
#include <vector>

#include "glint/config/config.h"
#include "glint/core/lap_timer.h"
#include "glint/data/loader.h"
#include "glint/model/retrieval_model.h"

namespace glint {

// The loss of a batch and its parts: "nce", then the head's own, in its order; they add up to it.
struct BatchLosses {
  double loss = 0;
  std::vector<std::pair<std::string, double>> parts;
};

// The gradients of a batch. They are the same, but for rounding, whether all pairs go through the towers at once or
// train.micro_batch of them at one time. Then the batch is encoded twice (gradient caching: Gao et al., 2021, "Scaling
// Deep Contrastive Learning Batch Size under Memory Limited Setup"): first without autograd, in parts; scored as a
// whole, which gives the gradients of the features; then part by part once more, with the same dropout, to carry these
// into the towers. What must be kept at one time is one part's activations and the features of all.
class BatchGradient {
 public:
  BatchGradient(RetrievalModel& model, const TrainConfig& config);

  // Adds to the gradients of the model's parameters. Dropout draws from (train.seed, `step`) alone. Where the time goes
  // is added to `timer`: "towers", "head", "backward".
  BatchLosses add(const Batch& batch, int64_t step, LapTimer& timer);

 private:
  struct Features {
    TextFeatures text;    // prepared
    VideoFeatures video;  // prepared
  };

  Features encode(const Batch& batch, int64_t begin, int64_t end) const;
  Features encode_parts(const Batch& batch, int64_t step) const;
  void carry_into_towers(const Batch& batch, int64_t step, Features& features, LapTimer& timer) const;
  // -> the loss, to be differentiated
  torch::Tensor score(const Features& features, BatchLosses& losses) const;
  void seed(int64_t step, int64_t part) const;

  RetrievalModel& model_;
  TrainConfig config_;
};

}  // namespace glint
