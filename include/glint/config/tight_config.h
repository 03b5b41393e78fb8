#pragma once

#include <cstdint>

#include "glint/config/setting_rule.h"

namespace glint {

// head.* of CLIP4Clip's tight transformer.
struct TightConfig {
  static constexpr const char* kName = "tight";

  int64_t layers = 4;
  double dropout = 0.1;
};

template <class Visitor>
void describe(Visitor& v, TightConfig& c) {
  v.field("layers", c.layers, within(1, 256).of_weights(),
          "layers of the transformer that reads each pair of text and video");
  v.field("dropout", c.dropout, share().of_training(), "dropout of that transformer's input, in training");
}

}  // namespace glint
