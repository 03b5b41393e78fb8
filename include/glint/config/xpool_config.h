#pragma once

#include <string>

#include "glint/config/setting_rule.h"

namespace glint {

// head.* of X-Pool.
struct XpoolConfig {
  static constexpr const char* kName = "xpool";

  std::string pooling = "transformer";
  double dropout = 0.3;
};

template <class Visitor>
void describe(Visitor& v, XpoolConfig& c) {
  v.field("pooling", c.pooling, one_of({"transformer", "avg"}).of_weights(),
          "how frames are pooled: transformer (attention from the text, as released), avg (mean of the normalised "
          "frames, no parameters)");
  v.field("dropout", c.dropout, share().of_training(), "dropout after the pooling's last linear layer, in training");
}

}  // namespace glint
