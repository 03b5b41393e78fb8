#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "glint/config/setting_rule.h"

namespace glint {

// train.*: the loss, the batches, and what a training keeps.
struct TrainConfig {
  std::string loss = "info_nce";
  int64_t seed = 42;
  int64_t epochs = 5;
  int64_t max_steps = 0;
  int64_t batch_size = 128;
  int64_t micro_batch = 0;
  bool recompute = false;
  std::string precision = "fp32";
  bool tf32 = false;
  double ema = 0;
  int64_t threads = 0;
  double validate_every = 1;
  std::string select = "t2v/R@1";
  int64_t save_every = 0;
  int64_t keep = 2;
  int64_t patience = 0;
  int64_t bad_steps = 5;
  int64_t loss_gradients_every = 0;
  double max_logit_scale = 100;
};

// What train.select may name. src/train/selection.cpp knows what they are.
inline std::vector<std::string_view> selection_metrics() {
  return {"RSum",        "t2v/R@1", "t2v/R@5",     "t2v/R@10", "t2v/R@50", "t2v/RSum", "t2v/MRR",
          "t2v/nDCG@10", "t2v/MdR", "t2v/MnR",     "v2t/R@1",  "v2t/R@5",  "v2t/R@10", "v2t/R@50",
          "v2t/RSum",    "v2t/MRR", "v2t/nDCG@10", "v2t/MdR",  "v2t/MnR"};
}

template <class Visitor>
void describe(Visitor& v, TrainConfig& c) {
  v.field("loss", c.loss, one_of({"info_nce", "sigmoid"}).of_training(),
          "contrastive loss over the pairs of a batch: info_nce, sigmoid (SigLIP's)");
  v.field("seed", c.seed, within(0, kLargestSeed).of_training(), "seed of everything that is drawn at random");
  v.field("epochs", c.epochs, within(1, 1e6).enough_on_resume().of_training(), "passes over the training samples");
  v.field("max_steps", c.max_steps, within(0, 1e12).another_on_resume().of_training(),
          "stop after this many steps; 0: when the epochs are done");
  v.field("batch_size", c.batch_size, within(1, 1 << 20).of_training(), "pairs of a step, all processes together");
  v.field("micro_batch", c.micro_batch, within(0, 1 << 20).without_effect().of_training(),
          "pairs that a process runs through the towers at one time: less memory, same gradients; 0: all of its pairs");
  v.field(
      "recompute", c.recompute, any().without_effect().of_training(),
      "activation checkpointing: compute the towers' blocks again in the backward pass; less memory, same gradients");
  v.field("precision", c.precision, one_of({"fp32", "bf16", "fp16"}).of_training(),
          "precision of the towers' matrix products: fp32, bf16, fp16; weights, heads and losses stay fp32");
  v.field("tf32", c.tf32, any().of_training(),
          "GPU: compute float32 matrix products in TF32, which is faster and less exact");
  v.field("ema", c.ema, share().of_training(),
          "decay rate of the moving average of the weights, which is saved beside them; 0: none");
  v.field("threads", c.threads, within(0, 1024).without_effect().of_machine().read_by(Stage::kFeatures, Stage::kRanks),
          "CPU threads of LibTorch's operators; 0: one a core");
  v.field("validate_every", c.validate_every, within(0, 1e6).another_on_resume().of_training(),
          "epochs between validations, such as 2 or 0.25; the end is always validated; 0: never");
  v.field("select", c.select, one_of(selection_metrics()).of_training(),
          "metric that chooses the best checkpoint: RSum (all recalls), or t2v/ or v2t/ with R@1, R@5, R@10, R@50, "
          "RSum, MRR, nDCG@10, MdR, MnR (of the last two the smallest wins)");
  v.field("save_every", c.save_every, within(0, 1e12).without_effect().of_training(),
          "steps between checkpoints, besides the one after each epoch; 0: none besides");
  v.field("keep", c.keep, within(1, 1e6).without_effect().of_training(),
          "number of latest checkpoints that are kept, besides the best");
  v.field("patience", c.patience, within(0, 1e6).another_on_resume().of_training(),
          "stop after this many validations in a row without a better train.select; 0: never");
  v.field("bad_steps", c.bad_steps, within(1, 1e6).another_on_resume().of_training(),
          "stop after this many steps in a row whose loss or gradient is not finite");
  v.field("loss_gradients_every", c.loss_gradients_every, within(0, 1e12).without_effect().of_training(),
          "steps from one measurement of each loss's gradient (loss_grad_norm/... in metrics.jsonl) to the next; a "
          "measured step takes about 1 + (number of losses) times as long; 0: never");
  v.field("max_logit_scale", c.max_logit_scale, above(0, 1e6).of_training(),
          "upper limit of the learnt factor of the scores, exp(logit_scale)");
}

}  // namespace glint
