#include "glint/nn/linear.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/torch.h>

#include <optional>
#include <string_view>

// M rows, I inputs, O outputs.
namespace glint {

namespace {

using Product = torch::Tensor(const torch::Tensor&, const torch::Tensor&, const std::optional<torch::Tensor>&,
                              std::string_view, c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);
using ProductHandle = c10::TypedOperatorHandle<Product>;

// LibTorch's operator over oneDNN's inner product; none where this LibTorch lacks it or the CPU gains nothing by it.
const std::optional<ProductHandle>& one_dnn_product() {
  static const std::optional<ProductHandle> product = []() -> std::optional<ProductHandle> {
    if (at::get_cpu_capability() != "AVX512") return std::nullopt;
    const auto found = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
    if (!found) return std::nullopt;
    return found->typed<Product>();
  }();
  return product;
}

// a [M, I] times b^T, b [O, I], plus bias; any strides.
torch::Tensor product(const torch::Tensor& a, const torch::Tensor& b, const std::optional<torch::Tensor>& bias = {}) {
  return one_dnn_product()->call(a, b, bias, "none", c10::List<std::optional<at::Scalar>>(), std::nullopt);
}

struct OneDnnLinear : torch::autograd::Function<OneDnnLinear> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weight, const std::optional<torch::Tensor>& bias) {
    context->save_for_backward({x, weight});
    context->saved_data["has_bias"] = bias.has_value();
    at::AutoDispatchBelowADInplaceOrView below_autograd;
    return product(x, weight, bias);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto gradient = gradients[0].contiguous();  // [M, O]
    at::AutoDispatchBelowADInplaceOrView below_autograd;
    torch::autograd::variable_list result(3);
    if (context->needs_input_grad(0)) result[0] = product(gradient, saved[1].t());      // [M, I]
    if (context->needs_input_grad(1)) result[1] = product(gradient.t(), saved[0].t());  // [O, I]
    const bool has_bias = context->saved_data.at("has_bias").toBool();
    if (has_bias && context->needs_input_grad(2)) result[2] = gradient.sum(0);  // [O]
    return result;
  }
};

bool suits_one_dnn(const torch::Tensor& x, const torch::Tensor& weight) {
  return x.is_cpu() && x.scalar_type() == torch::kFloat32 && weight.scalar_type() == torch::kFloat32 && x.numel() > 0 &&
         one_dnn_product().has_value() && at::globalContext().userEnabledMkldnn() &&
         !at::autocast::is_autocast_enabled(torch::kCPU);
}

}  // namespace

torch::Tensor fast_linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  const auto given = bias.defined() ? std::optional<torch::Tensor>(bias) : std::nullopt;
  if (!suits_one_dnn(x, weight)) return at::linear(x, weight, given);
  auto shape = x.sizes().vec();
  shape.back() = weight.size(0);
  return OneDnnLinear::apply(x.reshape({-1, x.size(-1)}), weight, given).view(shape);
}

}  // namespace glint
