#include "parity/glccl.h"

#include <torch/torch.h>

#include <vector>

#include "model/heads/glccl_scores.h"

namespace glint::test {

TensorMap glccl_four_scores(const RetrievalHead& head, const std::string& aggregation, const TextFeatures& text,
                            const VideoFeatures& video) {
  const auto parameters = head.named_parameters();
  GlcclMatrices matrices;
  std::vector<torch::Tensor> levels;
  for (const auto* name : {"word_logit_weight", "word_frame_logit_weight", "word_mat_weight", "word_frame_mat_weight",
                           "word_mat_weight2", "word_frame_mat_weight2"}) {
    levels.push_back(parameters[name]);
  }
  matrices.levels = torch::stack(levels);
  GlcclRules rules;
  if (aggregation == "softmax_linear_softmax") {
    rules.aggregation = Aggregation::kSoftmaxLinearSoftmax;
    matrices.visual = parameters["visual_logit_weight"];
  } else if (aggregation == "mlp_softmax") {
    rules.aggregation = Aggregation::kUniform;
  }
  const torch::NoGradGuard no_grad;
  const auto scores =
      glint::glccl_four_scores({text.prepared.at("rows"), text.prepared.at("scale"), text.mask},
                               {video.prepared.at("rows"), video.prepared.at("gram"), video.mask}, matrices, rules);
  return {{"S_vs", scores[0]}, {"S_vw", scores[1]}, {"S_sf", scores[2]}, {"S_fw", scores[3]}};
}

}  // namespace glint::test
