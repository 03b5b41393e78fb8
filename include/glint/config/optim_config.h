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
  v.field("name", c.name, one_of({"bert_adam", "adamw"}).of_training(), "bert_adam (as released), adamw");
  v.field("lr", c.lr, above(0, 1e30).of_training(), "peak rate of the new weights");
  v.field("clip_lr", c.clip_lr, within(0, 1e30).of_training(), "peak rate of the towers; 0 freezes them");
  v.field("weight_decay", c.weight_decay, within(0, 1000).of_training(), "of the groups that decay");
  v.field("decay_layernorm", c.decay_layernorm, any().of_training(),
          "as released: only names with \"bias\" are spared");
  v.field("decay_bias", c.decay_bias, any().of_training(), "names with \"bias\" decay too, as X-Pool's AdamW has it");
  v.field("beta1", c.beta1, share().of_training(), "of the mean of gradients");
  v.field("beta2", c.beta2, share().of_training(), "of the mean of squares");
  v.field("eps", c.eps, above(0, 1).of_training(), "added to the root of the mean of squares");
  v.field("per_tensor_clip", c.per_tensor_clip, any().of_training(),
          "bert_adam: each tensor's gradient norm to 1 besides the global clip");
  v.field("grad_clip", c.grad_clip, within(0, 1e9).of_training(), "global gradient norm; 0: none");
  v.field("schedule", c.schedule,
          one_of({"cosine", "warmup_cosine", "warmup_linear", "warmup_constant", "constant"}).of_training(),
          "cosine (to 0 from the end of the warm-up), warmup_cosine (BertAdam's), warmup_linear, warmup_constant, "
          "constant");
  v.field("warmup", c.warmup, share().of_training(), "share of all steps");
  v.field("min_lr", c.min_lr, within(0, 1000).of_training(),
          "cosine: lowest rate of the new layers; the warm-up starts from it");
  v.field("schedule_epochs", c.schedule_epochs, within(0, 1e6).of_training(),
          "length of the schedule, epochs; 0: of the run (GLSCL released: 5 always)");
  v.field("after_end", c.after_end, one_of({"rise", "clamp"}).of_training(),
          "a cosine past its end: rise (as released), clamp");
}

}  // namespace glint
