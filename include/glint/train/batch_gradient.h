#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "glint/config/dist_config.h"
#include "glint/config/train_config.h"
#include "glint/core/lap_timer.h"
#include "glint/data/loader.h"
#include "glint/dist/gradient_reducer.h"
#include "glint/model/retrieval_model.h"
#include "glint/optim/optimizer.h"
#include "glint/train/pair_features.h"

namespace glint {

// The loss of a batch and its parts: "nce", then the head's own, in its order; they add up to it.
struct BatchLosses {
  double loss = 0;
  std::vector<std::pair<std::string, double>> parts;
};

// The gradients of a batch. They are the same, but for rounding, whether the batch lies in one process or in shares in
// several, which then score their own texts against all videos and their own videos against all texts (methods 10); and
// whether all pairs go through the towers at once or train.micro_batch of them at one time. Then the batch is encoded
// twice (gradient caching: Gao et al., 2021, "Scaling Deep Contrastive Learning Batch Size under Memory Limited
// Setup"): first without autograd, in parts; scored as a whole, which gives the gradients of the features; then part by
// part once more, with the same dropout, to carry these into the towers, first all texts, then all videos. What must be
// kept at one time is one part's activations in one tower and one tower's gradients of all features.
class BatchGradient {
 public:
  // `parameters`: those that are trained. With several processes calls of the communicator, on all of them.
  BatchGradient(RetrievalModel& model, const NamedParameters& parameters, const TrainConfig& train,
                const DistConfig& dist, std::shared_ptr<Communicator> peers);

  // `batch`: this process's shard, on any device. Computes the gradients of the model's parameters, of the whole batch,
  // which must be undefined before, of the loss times `loss_scale`. Dropout draws from (train.seed, `step`, rank)
  // alone. Where the time goes is added to `timer`: "to device" (a GPU's), "towers", "head", "backward" (where
  // gradients travel meanwhile). On a GPU one wait for it, at the end, for the losses.
  BatchLosses compute(const Batch& batch, int64_t step, LapTimer& timer, double loss_scale = 1);

  // How much each part of the same loss pulls: the L2 norm of its gradient alone, of the whole batch, with respect to
  // all trained parameters, not times `loss_scale`. Names and order are those of BatchLosses::parts. The gradients add
  // up to compute()'s, their norms do not. For each part the batch is encoded anew, with compute()'s dropout, and
  // differentiated, so it takes about as long as a step for each part and no more memory. Gradients must be undefined
  // before and are afterwards; compute() gives the same bits with or without this before it.
  std::vector<std::pair<std::string, double>> part_norms(const Batch& batch, int64_t step, double loss_scale = 1);

 private:
  // The loss of a batch, to be differentiated, and its parts as they are reported, still where they were computed.
  using LossParts = std::vector<std::pair<std::string, torch::Tensor>>;
  struct Scored {
    torch::Tensor loss;                // of this shard
    std::vector<torch::Tensor> terms;  // that it is the sum of, one for each of `parts`
    LossParts parts;
  };
  // What is computed once: the gradient of the loss, or of one of its terms.
  struct Pass {
    const Batch& batch;  // on the model's device
    int64_t step;
    LapTimer& timer;
    double loss_scale;
    std::optional<std::size_t> term = {};
  };

  Batch moved(const Batch& batch) const;
  LossParts run(const Pass& pass);
  LossParts whole(const Pass& pass);
  LossParts in_parts(const Pass& pass);
  TextFeatures encode_texts(const Batch& batch, int64_t begin, int64_t end) const;
  VideoFeatures encode_videos(const Batch& batch, int64_t begin, int64_t end) const;
  void make_float32(const std::vector<torch::Tensor*>& features) const;
  Scored score(const PairFeatures& own) const;
  static std::vector<torch::Tensor> outputs(const Scored& scored, const Pass& pass);
  void seed(int64_t step, int64_t part) const;

  RetrievalModel& model_;
  NamedParameters parameters_;
  TrainConfig config_;
  bool reference_gradients_;
  std::shared_ptr<Communicator> peers_;
  GradientReducer reducer_;
};

}  // namespace glint
