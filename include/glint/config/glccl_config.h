#pragma once

#include <string>

#include "glint/config/setting_rule.h"

namespace glint {

// head.* of GLCCL.
struct GlcclConfig {
  static constexpr const char* kName = "glccl";
  static constexpr bool kFixesLengths = true;  // it has matrices of L x L and T x T

  double temperature = 5;
  double score_temperature = 0.01;
  std::string aggregation = "softmax";
  double csc_weight = 0.1;
  std::string csc_denominator = "b2";
  bool mask_words = false;
  bool mask_frames = false;
};

template <class Visitor>
void describe(Visitor& v, GlcclConfig& c) {
  v.field("temperature", c.temperature, above(0, 1e6), "GLIM");
  v.field("score_temperature", c.score_temperature, above(0, 1e6), "of the softmaxes over scores");
  v.field("aggregation", c.aggregation, one_of({"softmax", "softmax_linear_softmax", "mlp_softmax"}).of_weights(),
          "GLIM's weights: softmax, softmax_linear_softmax, mlp_softmax (uniform)");
  v.field("csc_weight", c.csc_weight, within(0, 1e6).of_training(), "of the consistency loss (\"var_loss_weight\")");
  v.field("csc_denominator", c.csc_denominator, one_of({"b2", "offdiag"}).of_training(),
          "mean over other pairs: b2 (as released), offdiag (methods 4.4)");
  v.field("mask_words", c.mask_words, any(), "padding words take no weight and give no score");
  v.field("mask_frames", c.mask_frames, any(), "padding frames take no weight");
}

}  // namespace glint
