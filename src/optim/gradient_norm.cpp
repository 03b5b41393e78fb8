#include "optim/gradient_norm.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "glint/core/error.h"
#include "glint/optim/optimizer.h"
#include "optim/adam_kernel.h"

namespace glint {

namespace {
constexpr int64_t kPieceSize = 1 << 16;  // elements
}

std::vector<Piece> pieces(const std::vector<torch::Tensor>& tensors) {
  std::vector<Piece> result;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const int64_t count = tensors[i].numel();
    for (int64_t begin = 0; begin < count; begin += kPieceSize) {
      result.push_back({i, begin, std::min(begin + kPieceSize, count)});
    }
  }
  return result;
}

std::vector<double> squared_norms(const std::vector<torch::Tensor>& tensors) {
  if (tensors.empty()) return {};
  return tensors.front().is_cpu() ? squared_norms_by_kernels(tensors) : squared_norms_by_operators(tensors);
}

std::vector<double> squared_norms_by_operators(const std::vector<torch::Tensor>& tensors) {
  const auto norms = torch::stack(at::_foreach_norm(tensors, 2)).to(torch::kCPU, torch::kFloat64);  // [N]
  const auto* values = norms.const_data_ptr<double>();
  std::vector<double> squares;
  for (std::size_t i = 0; i < tensors.size(); ++i) squares.push_back(values[i] * values[i]);
  return squares;
}

std::vector<double> squared_norms_by_kernels(const std::vector<torch::Tensor>& tensors) {
  const auto work = pieces(tensors);
  std::vector<double> partial(work.size());
  at::parallel_for(0, static_cast<int64_t>(work.size()), 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const auto& piece = work[static_cast<std::size_t>(i)];
      const float* values = tensors[piece.tensor].const_data_ptr<float>();
      partial[static_cast<std::size_t>(i)] = sum_of_squares(values + piece.begin, piece.end - piece.begin);
    }
  });
  std::vector<double> sums(tensors.size());
  for (std::size_t i = 0; i < work.size(); ++i) sums[work[i].tensor] += partial[i];
  return sums;
}

torch::Tensor plain_gradient(const torch::Tensor& parameter) {
  const auto& gradient = parameter.grad();
  GLINT_CHECK(gradient.device() == parameter.device() && gradient.scalar_type() == torch::kFloat32, "gradient is ",
              gradient.toString());
  return gradient.contiguous();
}

void scale_gradients(const std::vector<ParameterGroup>& groups, double factor) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> gradients;
  for (const auto& group : groups) {
    for (const auto& [name, parameter] : group.parameters) {
      if (parameter.grad().defined()) gradients.push_back(parameter.grad());
    }
  }
  if (!gradients.empty()) at::_foreach_mul_(gradients, factor);
}

double clip_global_norm(const NamedParameters& parameters, double max_norm) {
  return clip_global_norm({{.name = {}, .lr = 0, .weight_decay = 0, .parameters = parameters}}, max_norm).all;
}

GradientNorms clip_global_norm(const std::vector<ParameterGroup>& groups, double max_norm) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> gradients;
  std::vector<std::size_t> group_of;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    for (const auto& [name, parameter] : groups[i].parameters) {
      if (!parameter.grad().defined()) continue;
      gradients.push_back(plain_gradient(parameter));
      group_of.push_back(i);
    }
  }
  GradientNorms norms = {.all = 0, .groups = std::vector<double>(groups.size())};
  const auto squares = squared_norms(gradients);
  for (std::size_t i = 0; i < squares.size(); ++i) {
    norms.all += squares[i];
    norms.groups[group_of[i]] += squares[i];
  }
  norms.all = std::sqrt(norms.all);
  for (auto& norm : norms.groups) norm = std::sqrt(norm);
  const double scale = max_norm / (norms.all + 1e-6);  // the released clip's eps
  if (max_norm <= 0 || !std::isfinite(norms.all) || scale >= 1) return norms;
  scale_gradients(groups, scale);
  return norms;
}

}  // namespace glint
