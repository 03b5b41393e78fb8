#pragma once

#include <cstdint>
#include <string>

#include "glint/config/setting_rule.h"

namespace glint {

// eval.*: what is evaluated, and how ranks are counted.
struct EvalConfig {
  std::string split;
  std::string on_missing = "fail";
  int64_t batch_size = 32;
  int64_t block = 256;
  std::string ties = "average";
  std::string postprocess = "none";
  double dsl_temperature = 100;
  bool ema = true;
};

template <class Visitor>
void describe(Visitor& v, EvalConfig& c) {
  v.field("split", c.split, any(), "empty: data.test_split");
  v.field("on_missing", c.on_missing, one_of({"fail", "skip"}),
          "a video that is missing or cannot be read: fail, skip (counted in every result)");
  v.field("batch_size", c.batch_size, above(0), "videos or captions encoded at once");
  v.field("block", c.block, above(0), "texts and videos scored at once");
  v.field("ties", c.ties, one_of({"optimistic", "average"}),
          "equal scores: average (half of them rank above the right answer), optimistic (none, as most released code)");
  v.field(
      "postprocess", c.postprocess, one_of({"none", "dsl", "dsl_shared", "is", "qb_norm", "nnn", "sinkhorn", "csls"}),
      "none; from all test queries together: dsl, dsl_shared, is, qb_norm, nnn, sinkhorn, csls (docs/evaluation.md)");
  v.field("dsl_temperature", c.dsl_temperature, above(0), "dsl, dsl_shared: on cosine scale");
  v.field("ema", c.ema, any(), "the moving average of the weights, where the checkpoint has one");
}

}  // namespace glint
