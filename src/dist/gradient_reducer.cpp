#include "glint/dist/gradient_reducer.h"

#include <torch/torch.h>
#include <torch/csrc/distributed/c10d/reducer.hpp>

#include <algorithm>
#include <set>

#include "dist/group.h"
#include "glint/core/activity.h"

namespace glint {

namespace {

constexpr const char* kSummingGradients = "summing gradients";
constexpr std::int64_t kFirstBucketBytes = 1 << 20;  // small, so that the first one leaves early

// In place of c10d's mean.
class SumBucket : public c10d::CppCommHookInterface<dist::Group*> {
 public:
  using CppCommHookInterface::CppCommHookInterface;

  c10::intrusive_ptr<c10::ivalue::Future> runHook(c10d::GradBucket& bucket) override {
    std::vector<torch::Tensor> values = {bucket.getBufferRef()};
    count_collective();
    auto& group = *state_;
    const auto sum =
        dist::communicate(group, kSummingGradients, [&] { return group.gradients->allreduce(values)->getFuture(); });
    return sum->then(
        [&group](c10::ivalue::Future& done) {
          count_progress();
          return dist::communicate(group, kSummingGradients, [&] { return done.value(); });
        },
        sum->elementType());
  }
};

// One more output for the expected pass, which leads to `parameter` and gives it no gradient: c10d reduces when the
// pass comes to a parameter, and the pass alone may reach none on some rank.
struct NoGradient : torch::autograd::Function<NoGradient> {
  static torch::Tensor forward(torch::autograd::AutogradContext*, const torch::Tensor& parameter) {
    return torch::zeros({}, parameter.options());
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*, torch::autograd::variable_list) {
    return {torch::Tensor()};
  }
};

// c10d advises to switch off the search for parameters that a pass does not reach. It is wanted: which ones it reaches
// depends on the step.
class NoAdvice : public c10::WarningHandler {
  void process(const c10::Warning&) override {}
};

void check_same_everywhere(Communicator& communicator, const std::string& mine) {
  const auto lists = communicator.all_gather(mine);
  for (std::size_t rank = 0; rank < lists.size(); ++rank) {
    if (lists[rank] == lists[0]) continue;
    throw Error("rank ", rank,
                " trains other parameters than rank 0: were they started with the same settings and data?");
  }
}

using Names = std::unordered_map<std::size_t, std::string>;  // by the parameter's index

std::unique_ptr<c10d::Reducer> make_reducer(const std::vector<torch::Tensor>& parameters, const Names& names,
                                            dist::Group& group, std::int64_t bucket_mb) {
  const std::size_t bucket_bytes = static_cast<std::size_t>(bucket_mb) << 20;
  auto buckets = std::get<0>(c10d::compute_bucket_assignment_by_size(parameters, {kFirstBucketBytes, bucket_bytes}));
  std::reverse(buckets.begin(), buckets.end());  // backward begins with what was used last
  auto reducer = std::make_unique<c10d::Reducer>(
      parameters, buckets, group.gradients, std::vector<bool>(parameters.size(), false), bucket_bytes,
      /*find_unused_parameters=*/true, /*gradient_as_bucket_view=*/true, names, kFirstBucketBytes,
      /*skip_all_reduce_unused_params=*/false, /*use_python_reducer=*/false, std::vector<std::int64_t>());
  reducer->register_comm_hook(std::make_unique<SumBucket>(&group));
  return reducer;
}

}  // namespace

struct GradientReducer::Impl {
  std::shared_ptr<Communicator> communicator;
  torch::Tensor parameter;  // any of them
  std::unique_ptr<c10d::Reducer> reducer;
};

GradientReducer::~GradientReducer() = default;

GradientReducer::GradientReducer(const std::vector<std::pair<std::string, torch::Tensor>>& parameters,
                                 std::shared_ptr<Communicator> communicator, std::int64_t bucket_mb) {
  GLINT_CHECK(bucket_mb > 0, bucket_mb, " MB");
  if (communicator->ranks() == 1) return;
  std::set<const void*> seen;
  std::vector<torch::Tensor> trained;
  Names names;
  std::string list;
  for (const auto& [name, parameter] : parameters) {
    if (!parameter.requires_grad() || !seen.insert(parameter.unsafeGetTensorImpl()).second) continue;
    names[trained.size()] = name;
    trained.push_back(parameter);
    list += concat(name, " ", parameter.dtype(), " ", parameter.sizes(), "\n");
  }
  check_same_everywhere(*communicator, list);
  if (trained.empty()) return;
  auto reducer = make_reducer(trained, names, *communicator->group(), bucket_mb);
  impl_ = std::make_unique<Impl>(Impl{std::move(communicator), trained.front(), std::move(reducer)});
}

void GradientReducer::backward(const std::vector<torch::Tensor>& outputs, const std::vector<torch::Tensor>& gradients) {
  if (!impl_) {
    if (!outputs.empty()) torch::autograd::backward(outputs, gradients);
    return;
  }
  auto roots = outputs, given = gradients;
  roots.push_back(NoGradient::apply(impl_->parameter));
  if (!given.empty()) given.push_back(torch::ones_like(roots.back()));
  {
    NoAdvice no_advice;
    const c10::WarningUtils::WarningHandlerGuard guard(&no_advice);
    impl_->reducer->prepare_for_backward(roots);
  }
  dist::communicate(*impl_->communicator->group(), kSummingGradients, [&] { torch::autograd::backward(roots, given); });
}

}  // namespace glint
