#pragma once

#include <string>

#include "glint/config/setting_rule.h"

namespace glint {

// optim.*: the optimizer and its schedule.
struct OptimConfig {
  std::string name = "bert_adam";
  double lr = 1e-4;
  double clip_lr = 1e-7;
  double weight_decay = 0.2;
  bool decay_layernorm = true;
  bool decay_bias = false;
  double beta1 = 0.9;
  double beta2 = 0.98;
  double eps = 1e-6;
  bool per_tensor_clip = true;
  double grad_clip = 1.0;
  std::string schedule = "warmup_cosine";
  double warmup = 0.1;
  double min_lr = 0;
  double schedule_epochs = 0;
  std::string after_end = "rise";
};

template <class Visitor>
void describe(Visitor& v, OptimConfig& c) {
  v.field("name", c.name, one_of({"bert_adam", "adamw"}).of_training(),
          "optimizer: bert_adam (as most released code), adamw");
  v.field("lr", c.lr, above(0, 1e30).of_training(), "peak learning rate of the new layers (temporal encoder and head)");
  v.field("clip_lr", c.clip_lr, within(0, 1e30).of_training(),
          "peak learning rate of the towers; 0: the towers are frozen");
  v.field("weight_decay", c.weight_decay, within(0, 1000).of_training(), "weight decay of the parameters that decay");
  v.field("decay_layernorm", c.decay_layernorm, any().of_training(),
          "decay LayerNorm weights too, as released; biases stay without");
  v.field("decay_bias", c.decay_bias, any().of_training(), "decay biases too, as X-Pool does");
  v.field("beta1", c.beta1, share().of_training(), "decay rate of the running mean of the gradient");
  v.field("beta2", c.beta2, share().of_training(), "decay rate of the running mean of the squared gradient");
  v.field("eps", c.eps, above(0, 1).of_training(), "added to the denominator of the update");
  v.field("per_tensor_clip", c.per_tensor_clip, any().of_training(),
          "bert_adam: clip each tensor's gradient to norm 1 after the global clip");
  v.field("grad_clip", c.grad_clip, within(0, 1e9).of_training(),
          "global gradient norm is clipped to this; 0: no clipping");
  v.field("schedule", c.schedule,
          one_of({"cosine", "warmup_cosine", "warmup_linear", "warmup_constant", "constant"}).of_training(),
          "learning-rate schedule: cosine (from the end of the warm-up to 0), warmup_cosine (BertAdam's), "
          "warmup_linear, warmup_constant, constant");
  v.field("warmup", c.warmup, share().of_training(),
          "fraction of all steps over which the learning rate rises linearly");
  v.field("min_lr", c.min_lr, within(0, 1000).of_training(),
          "cosine: lowest learning rate of the new layers; the warm-up starts from it");
  v.field("schedule_epochs", c.schedule_epochs, within(0, 1e6).of_training(),
          "length of the schedule, epochs; 0: as long as the run (the released GLSCL has 5 always)");
  v.field("after_end", c.after_end, one_of({"rise", "clamp"}).of_training(),
          "what a cosine does past the end of its schedule: rise (again, as released), clamp (stay)");
}

}  // namespace glint
