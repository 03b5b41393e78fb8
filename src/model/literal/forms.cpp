#include "model/literal/forms.h"

#include <torch/torch.h>

#include "glint/core/error.h"

namespace glint::literal {

void copy_parameters(const RetrievalHead& head, torch::nn::Module& form) {
  const torch::NoGradGuard no_grad;
  const auto from = head.named_parameters();
  if (!from.is_empty()) form.to(from.begin()->value().scalar_type());
  for (auto& parameter : form.named_parameters()) {
    GLINT_CHECK(from.contains(parameter.key()), "the head has no parameter ", parameter.key());
    parameter->copy_(from[parameter.key()]);
  }
}

TensorMap copies(const RetrievalHead& head) {
  TensorMap map;
  for (const auto& item : head.named_parameters()) map[item.key()] = item->detach().clone().set_requires_grad(true);
  return map;
}

}  // namespace glint::literal
