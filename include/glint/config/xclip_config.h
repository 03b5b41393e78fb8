#pragma once

#include "glint/config/setting_rule.h"

namespace glint {

// head.* of X-CLIP.
struct XclipConfig {
  static constexpr const char* kName = "xclip";
  static constexpr bool kFixesLengths = true;  // it has matrices of L x L and T x T

  double temperature = 0.01;
  bool mask_words = false;
};

template <class Visitor>
void describe(Visitor& v, XclipConfig& c) {
  v.field("temperature", c.temperature, above(0, 1e6),
          "softmax temperature of the attention over the similarity matrix");
  v.field("mask_words", c.mask_words, any(), "padding words get no attention and no score; false: as released");
}

}  // namespace glint
