#include "glint/model/losses.h"

#include <torch/torch.h>

#include "glint/core/error.h"

namespace glint {

torch::Tensor contrastive_loss(const torch::Tensor& logits) {
  GLINT_CHECK(logits.dim() == 2 && logits.size(0) == logits.size(1), "logits ", logits.sizes());
  const auto per_text = logits.log_softmax(1).diagonal();   // [B]
  const auto per_video = logits.log_softmax(0).diagonal();  // [B]
  return -(per_text.mean() + per_video.mean()) / 2;
}

torch::Tensor sigmoid_loss(const torch::Tensor& logits) {
  GLINT_CHECK(logits.dim() == 2 && logits.size(0) == logits.size(1), "logits ", logits.sizes());
  const auto sign = 2 * torch::eye(logits.size(0), logits.options()) - 1;
  return -torch::log_sigmoid(sign * logits).sum() / logits.size(0);
}

}  // namespace glint
