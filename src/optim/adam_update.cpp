#include "optim/adam_update.h"

#include <torch/torch.h>

#include "optim/gradient_norm.h"

namespace glint {

namespace {

constexpr int64_t kElementsAtOnce = 1 << 26;  // of the operators' temporary tensors: 256 MiB each

using Tensors = std::vector<torch::Tensor>;

// One entry an item.
struct Columns {
  Tensors gradient, m, v, parameter;
  std::vector<at::Scalar> scale, m_correction, v_correction, eps, decay, rate;
};

Columns columns(const AdamItem* begin, const AdamItem* end) {
  Columns c;
  for (const auto* item = begin; item != end; ++item) {
    const auto& rule = item->rule;
    c.gradient.push_back(item->gradient);
    c.m.push_back(item->m);
    c.v.push_back(item->v);
    c.parameter.push_back(item->parameter);
    c.scale.emplace_back(rule.gradient_scale);
    c.m_correction.emplace_back(rule.m_correction);
    c.v_correction.emplace_back(rule.v_correction);
    c.eps.emplace_back(rule.eps);
    c.decay.emplace_back(rule.weight_decay);
    c.rate.emplace_back(-rule.lr);
  }
  return c;
}

// adam_update() of all, in its order of operations.
void update_together(const AdamItem* begin, const AdamItem* end) {
  auto c = columns(begin, end);
  const auto& shared = begin->rule;  // the betas are those of the optimizer
  const auto gradient = at::_foreach_mul(c.gradient, c.scale);
  at::_foreach_mul_(c.m, shared.beta1);
  at::_foreach_add_(c.m, gradient, shared.one_minus_beta1);
  at::_foreach_mul_(c.v, shared.beta2);
  at::_foreach_addcmul_(c.v, gradient, gradient, shared.one_minus_beta2);
  auto divisor = at::_foreach_sqrt(c.v);
  at::_foreach_mul_(divisor, c.v_correction);
  at::_foreach_add_(divisor, c.eps);
  auto update = at::_foreach_mul(c.m, c.m_correction);
  at::_foreach_div_(update, divisor);
  const auto decayed = at::_foreach_mul(c.parameter, c.decay);
  at::_foreach_add_(update, decayed);
  at::_foreach_mul_(update, c.rate);
  at::_foreach_add_(c.parameter, update);
}

}  // namespace

void update(const std::vector<AdamItem>& items) {
  if (items.empty()) return;
  items.front().parameter.is_cpu() ? update_by_kernels(items) : update_by_operators(items);
}

void update_by_kernels(const std::vector<AdamItem>& items) {
  std::vector<torch::Tensor> gradients;
  for (const auto& item : items) gradients.push_back(item.gradient);
  const auto work = pieces(gradients);
  at::parallel_for(0, static_cast<int64_t>(work.size()), 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const auto& [tensor, begin, end] = work[static_cast<std::size_t>(i)];
      const auto& item = items[tensor];
      adam_update(item.rule, end - begin, item.gradient.const_data_ptr<float>() + begin,
                  item.m.data_ptr<float>() + begin, item.v.data_ptr<float>() + begin,
                  item.parameter.data_ptr<float>() + begin);
    }
  });
  for (const auto& item : items) item.parameter.unsafeGetTensorImpl()->bump_version();  // autograd must see the change
}

void update_by_operators(const std::vector<AdamItem>& items) {
  const AdamItem* const end = items.data() + items.size();
  for (const auto* begin = items.data(); begin != end;) {
    int64_t elements = begin->parameter.numel();
    const auto* next = begin + 1;
    while (next != end && elements + next->parameter.numel() <= kElementsAtOnce)
      elements += (next++)->parameter.numel();
    update_together(begin, next);
    begin = next;
  }
}

}  // namespace glint
