#include <torch/torch.h>

#include "glint/model/clip.h"
#include "parity/parity.h"
#include "support/load_parameters.h"

namespace glint::test {

CaseReport check_clip_tower(const GoldenCase& golden) {
  CaseReport report;
  ClipModel clip(clip_sizes(golden.weights));
  load_parameters(clip, golden.weights, report);
  torch::NoGradGuard no_grad;
  const auto compare = [&](const std::string& name, const torch::Tensor& actual) {
    report.compare(name, actual, golden.want(name), golden.atol(name));
  };
  std::size_t compared = 0;
  for (const auto& [name, input] : golden.inputs) {
    const auto set = name.substr(0, name.find('.'));
    if (name == set) {  // pixels
      compare(set + ".hidden", clip.encode_image_tokens(input));
      compare(set + ".feature", clip.encode_image(input));
      compared += 2;
    } else if (name == set + ".ids") {
      for (const auto& [style, mask] : {std::pair{"causal", TextMask::kCausal}, {"masked", TextMask::kCausalPadding}}) {
        const auto [words, feature] = clip.encode_text(input, golden.input(set + ".mask"), mask);
        compare(set + "." + style + ".hidden", words);
        compare(set + "." + style + ".feature", feature);
        compared += 2;
      }
    }
  }
  report.require(compared == golden.expected.size(), "some expected tensors were not compared");
  return report;
}

}  // namespace glint::test
