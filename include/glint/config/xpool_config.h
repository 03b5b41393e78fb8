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
          "transformer (as released), avg (mean of the unit frames, no parameters)");
  v.field("dropout", c.dropout, share().of_training(), "of the residual linear layer");
}

}  // namespace glint
