#include "glint/eval/postprocess.h"

#include <torch/torch.h>

#include <algorithm>
#include <vector>

#include "glint/core/error.h"

// N queries, M training queries, G gallery items.

namespace glint {
namespace {

constexpr int64_t kItemsAtOnce = 64;  // gallery items normalised at once, so that the float64 copies stay small

// Which gallery items are hubs: among the best k of at least theta training queries. -> bool [G]
torch::Tensor hubs(const torch::Tensor& train, int64_t k, int64_t theta) {
  const auto best = std::get<1>(train.topk(std::min(k, train.size(1)), /*dim=*/1));  // [M, k]
  return torch::bincount(best.flatten(), {}, train.size(1)) >= theta;                // [G]
}

}  // namespace

torch::Tensor dual_softmax(const torch::Tensor& scores, double tau) {
  GLINT_CHECK(scores.dim() == 2, "scores ", scores.sizes());
  return (scores * tau).softmax(/*dim=*/0).mul_(scores);  // [N, G]
}

torch::Tensor qb_norm(const torch::Tensor& scores, const torch::Tensor& train, double beta, int64_t k, int64_t theta) {
  GLINT_CHECK(scores.dim() == 2 && train.dim() == 2 && scores.size(1) == train.size(1), "scores ", scores.sizes(),
              ", train ", train.sizes());
  GLINT_CHECK(k > 0 && theta > 0, "k ", k, ", theta ", theta);
  if (train.size(0) == 0) throw Error("QB-Norm needs the scores of training queries, and there are none");
  auto result = scores.to(torch::kFloat64, /*non_blocking=*/false, /*copy=*/true);  // [N, G]
  if (scores.numel() == 0) return result;
  const auto is_normalised = hubs(train, k, theta).index_select(0, scores.argmax(/*dim=*/1));  // [N]
  const auto rows = is_normalised.nonzero().squeeze(1);                                        // [R]
  if (rows.numel() == 0) return result;
  for (int64_t first = 0; first < scores.size(1); first += kItemsAtOnce) {
    const int64_t width = std::min(kItemsAtOnce, scores.size(1) - first);
    // exp(beta S) / sum exp(beta S_train) as one exponent: neither of the two overflows.
    const auto norm = (train.narrow(1, first, width).to(torch::kFloat64) * beta).logsumexp(/*dim=*/0);  // [w]
    auto block = result.narrow(1, first, width);                                                        // [N, w]
    block.index_copy_(0, rows, (block.index_select(0, rows) * beta - norm).exp());
  }
  return result;
}

}  // namespace glint
