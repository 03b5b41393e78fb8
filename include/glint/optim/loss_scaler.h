#pragma once

#include <cstdint>

namespace glint {

// What the loss is multiplied by before a backward pass in float16, whose small gradients would vanish otherwise
// (dynamic loss scaling: Micikevicius et al., 2018, "Mixed Precision Training", section 3.2). It halves after a step
// whose gradients overflowed, which is left out, and doubles after kGrowAfter steps in a row without one. Every process
// sees the same gradients' norm and so keeps the same scale.
class LossScaler {
 public:
  static constexpr double kFirst = 65536, kLowest = 1;
  static constexpr std::int64_t kGrowAfter = 2000;

  struct State {
    double scale = kFirst;
    std::int64_t good_steps = 0;  // since it changed
  };

  double scale() const { return state_.scale; }

  // Can gradients that are not finite be the scale's fault?
  bool can_shrink() const { return state_.scale > kLowest; }
  void update(bool is_finite);  // after every step: were its gradients?

  const State& state() const { return state_; }
  void load(const State& state) { state_ = state; }

 private:
  State state_;
};

}  // namespace glint
