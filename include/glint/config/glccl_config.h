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
  v.field("temperature", c.temperature, above(0, 1e6),
          "softmax temperature of the text-guided pooling of frames; higher: more even weights");
  v.field("score_temperature", c.score_temperature, above(0, 1e6),
          "softmax temperature where word and frame scores are pooled");
  v.field("aggregation", c.aggregation, one_of({"softmax", "softmax_linear_softmax", "mlp_softmax"}).of_weights(),
          "weights of the text-guided pooling: softmax, softmax_linear_softmax (a learnt matrix between two "
          "softmaxes), mlp_softmax (uniform, as released)");
  v.field("csc_weight", c.csc_weight, within(0, 1e6).of_training(),
          "weight of the consistency loss, which makes the four scores of a matching pair agree; 0: leave it out (the "
          "release's var_loss_weight)");
  v.field("csc_denominator", c.csc_denominator, one_of({"b2", "offdiag"}).of_training(),
          "consistency loss: the variance of other pairs is averaged over b2 (all entries of the matrix, as released), "
          "offdiag (those pairs only; methods 4.4)");
  v.field("mask_words", c.mask_words, any(), "padding words get no attention and no score; false: as released");
  v.field("mask_frames", c.mask_frames, any(), "padding frames get no attention; false: as released");
}

}  // namespace glint
