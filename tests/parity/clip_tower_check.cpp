#include <torch/torch.h>

#include "glint/model/clip.h"
#include "glint/weights/tower_weights.h"
#include "parity/parity.h"
#include "support/load_parameters.h"

namespace glint::test {

// Inputs are `<set>` (pixels) and `<set>.ids` with `<set>.mask`.
CaseReport check_clip_tower(const GoldenCase& golden) {
  CaseReport report;
  ClipModel clip(tower_sizes(golden.weights));
  load_parameters(clip, golden.weights, report);
  clip.to(golden.device);
  torch::NoGradGuard no_grad;
  TensorMap results;
  for (const auto& [name, input] : golden.inputs) {
    const auto set = name.substr(0, name.find('.'));
    if (name == set) {
      results[set + ".hidden"] = clip.encode_image_tokens(input);
      results[set + ".feature"] = clip.encode_image(input);
    } else if (name == set + ".ids") {
      const auto& mask = golden.input(set + ".mask");
      std::tie(results[set + ".causal.hidden"], results[set + ".causal.feature"]) =
          clip.encode_text(input, mask, TextMask::kCausal);
      std::tie(results[set + ".masked.hidden"], results[set + ".masked.feature"]) =
          clip.encode_text(input, mask, TextMask::kCausalPadding);
    }
  }
  compare_everything(golden, results, report);
  return report;
}

}  // namespace glint::test
