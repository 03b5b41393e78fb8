#include "glint/model/losses.h"

#include <torch/torch.h>

#include "glint/core/error.h"

namespace glint {

namespace {

ShardLogits whole(const torch::Tensor& logits) {
  GLINT_CHECK(logits.dim() == 2 && logits.size(0) == logits.size(1), "logits ", logits.sizes());
  return {logits, logits, /*begin=*/0};
}

void check(const ShardLogits& logits) {
  const auto B = logits.texts.size(1), b = logits.texts.size(0);
  GLINT_CHECK(logits.videos.size(0) == B && logits.videos.size(1) == b && logits.begin + b <= B, "logits ",
              logits.texts.sizes(), " and ", logits.videos.sizes(), " from ", logits.begin);
}

// Those of matching pairs among the rows [begin, begin + b). rows [b, B] -> [b]
torch::Tensor matching(const torch::Tensor& rows, int64_t begin) {
  return rows.diagonal(begin).slice(0, 0, rows.size(0));
}

}  // namespace

torch::Tensor contrastive_loss(const torch::Tensor& logits) {
  return contrastive_loss(whole(logits));
}

torch::Tensor sigmoid_loss(const torch::Tensor& logits) {
  return sigmoid_loss(whole(logits));
}

torch::Tensor contrastive_loss(const ShardLogits& logits) {
  check(logits);
  const auto per_text = matching(logits.texts.log_softmax(1), logits.begin);        // [b]
  const auto per_video = matching(logits.videos.log_softmax(0).t(), logits.begin);  // [b]
  return -(per_text.sum() + per_video.sum()) / (2 * logits.texts.size(1));
}

torch::Tensor sigmoid_loss(const ShardLogits& logits) {
  check(logits);
  const auto sign = torch::full_like(logits.texts, -1);
  matching(sign, logits.begin).fill_(1);
  return -torch::log_sigmoid(sign * logits.texts).sum() / logits.texts.size(1);
}

}  // namespace glint
