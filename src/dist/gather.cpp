#include "glint/dist/gather.h"

#include <torch/torch.h>

#include "glint/core/error.h"

namespace glint {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The Communicator is not ours to own: its user says that it outlives the graph.
constexpr const char* kCommunicator = "communicator";

void remember(AutogradContext* context, Communicator* communicator) {
  context->saved_data[kCommunicator] = reinterpret_cast<std::int64_t>(communicator);
}

Communicator& remembered(AutogradContext* context) {
  return *reinterpret_cast<Communicator*>(context->saved_data.at(kCommunicator).toInt());
}

torch::Tensor summed(Communicator& communicator, const torch::Tensor& values) {
  auto sum = values.detach().clone(torch::MemoryFormat::Contiguous);
  communicator.all_reduce(sum);
  return sum;
}

struct GatherRows : torch::autograd::Function<GatherRows> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& rows, Communicator* communicator) {
    remember(context, communicator);
    return communicator->all_gather(rows);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    auto& communicator = remembered(context);
    const auto sum = summed(communicator, gradients[0]);       // [ranks * N, ...]
    const auto own_rows = sum.size(0) / communicator.ranks();  // N
    return {sum.narrow(0, communicator.rank() * own_rows, own_rows), {}};
  }
};

struct SumOverRanks : torch::autograd::Function<SumOverRanks> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& values, Communicator* communicator) {
    remember(context, communicator);
    return summed(*communicator, values);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    return {summed(remembered(context), gradients[0]), {}};
  }
};

}  // namespace

torch::Tensor gather_rows(Communicator& communicator, const torch::Tensor& rows) {
  return communicator.ranks() == 1 ? rows : GatherRows::apply(rows, &communicator);
}

torch::Tensor sum_over_ranks(Communicator& communicator, const torch::Tensor& values) {
  return communicator.ranks() == 1 ? values : SumOverRanks::apply(values, &communicator);
}

}  // namespace glint
