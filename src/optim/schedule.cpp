#include <algorithm>
#include <cmath>
#include <numbers>

#include "glint/core/error.h"
#include "glint/optim/optimizer.h"

namespace glint {
namespace {

// Note [CenterCLIP's floor]: as released, no rate is below min_lr, and the warm-up starts from it.
double rescaled_cosine(const OptimConfig& config, double x) {
  const double floor = config.min_lr / config.lr;
  if (x < config.warmup) return std::min(1.0, floor + x / config.warmup * (1 - floor));
  if (config.after_end == "clamp") x = std::min(x, 1.0);
  const double progress = (x - config.warmup) / (1 - config.warmup);
  return std::max({floor, 0.0, 0.5 * (1 + std::cos(std::numbers::pi * progress))});
}

}  // namespace

// Note [Schedule quirks]: as released, the cosine runs over all of [0, 1] and not from the warm-up's end, so the factor
// falls from 1 to 0.976 where a warm-up of 0.1 ends; past x = 1 it rises again (after_end: clamp holds it at 0).
// `cosine` is the one of Hugging Face (X-Pool) and CenterCLIP: it starts from 1 where the warm-up ends.
double schedule_factor(const OptimConfig& config, double x) {
  if (config.schedule == "cosine") return rescaled_cosine(config, x);
  if (config.schedule == "constant") return 1;
  if (x < config.warmup) return x / config.warmup;
  if (config.schedule == "warmup_constant") return 1;
  if (config.schedule == "warmup_linear") return std::max((x - 1) / (config.warmup - 1), 0.0);
  if (config.schedule != "warmup_cosine") {
    throw Error("optim.schedule: no schedule '", config.schedule,
                "'; there are cosine, warmup_cosine, warmup_linear, warmup_constant, constant");
  }
  if (config.after_end == "clamp") x = std::min(x, 1.0);
  return 0.5 * (1 + std::cos(std::numbers::pi * x));
}

}  // namespace glint
