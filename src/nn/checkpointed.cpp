#include "glint/nn/checkpointed.h"

#include <torch/torch.h>

#include "glint/core/error.h"
#include "glint/nn/autocast.h"

namespace glint {
namespace {

using Tensors = std::vector<torch::Tensor>;

struct Work : torch::CustomClassHolder {
  std::function<torch::Tensor(const Tensors&)> function;
  torch::ScalarType autocast = torch::kFloat32;
};

struct Recomputed : torch::autograd::Function<Recomputed> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const c10::intrusive_ptr<Work>& work,
                               at::TensorList inputs) {
    context->saved_data["work"] = c10::IValue::make_capsule(work);
    context->save_for_backward(inputs.vec());
    return work->function(inputs.vec());
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto capsule = context->saved_data.at("work").toCapsule();
    const auto& work = static_cast<const Work&>(*capsule);
    auto leaves = context->get_saved_variables();
    Tensors asked;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      const bool wanted = context->needs_input_grad(i);
      leaves[i] = leaves[i].detach().set_requires_grad(wanted);
      if (wanted) asked.push_back(leaves[i]);
    }
    const torch::AutoGradMode with_autograd(true);
    torch::Tensor output;
    {
      const Autocast as_before(leaves.at(0).device().type(), work.autocast);
      output = work.function(leaves);
    }
    const auto parts = torch::autograd::grad({output}, asked, {gradients[0]}, /*retain_graph=*/false,
                                             /*create_graph=*/false, /*allow_unused=*/true);
    torch::autograd::variable_list result(1);  // of `work`
    for (std::size_t i = 0, next = 0; i < leaves.size(); ++i) {
      result.push_back(context->needs_input_grad(i) ? parts[next++] : torch::Tensor());
    }
    return result;
  }
};

}  // namespace

torch::Tensor checkpointed(const std::function<torch::Tensor(const Tensors&)>& function, const Tensors& inputs) {
  GLINT_CHECK(!inputs.empty(), "nothing to compute from");
  if (!torch::GradMode::is_enabled()) return function(inputs);
  auto work = c10::make_intrusive<Work>();
  work->function = function;
  work->autocast = autocast_type(inputs[0].device().type());
  return Recomputed::apply(work, at::TensorList(inputs));
}

}  // namespace glint
