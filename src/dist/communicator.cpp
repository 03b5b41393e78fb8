#include "glint/dist/communicator.h"

#include <csignal>

#include <exception>
#include <tuple>

#include "dist/connect.h"
#include "dist/group.h"
#include "glint/core/activity.h"
#include "glint/core/stop_signal.h"

namespace glint {

namespace {

// A collective, until this rank has its result.
template <class Start>
void run_collective(dist::Group& group, const char* doing, Start&& start) {
  count_collective();
  dist::communicate(group, doing, [&] { start(*group.features)->wait(); });
  count_progress();
}

}  // namespace

std::shared_ptr<Communicator> Communicator::alone() {
  return std::make_shared<Communicator>(RankInfo{}, nullptr);
}

Communicator::Communicator(const RankInfo& info, std::unique_ptr<dist::Group> group)
    : info_(info), group_(std::move(group)) {
  GLINT_CHECK((group_ != nullptr) == (info_.ranks > 1), info_.ranks, " ranks");
}

Communicator::~Communicator() {
  if (!group_) return;
  const bool is_unwinding = std::uncaught_exceptions() > 0;
  if (group_->is_lost() || (is_unwinding && stop_requested() == 0)) {
    // A group's destructor could wait for collectives that the others never join: the end of the process, which is
    // near, frees it.
    group_->watchdog->leave(/*in_peace=*/false);
    std::ignore = group_.release();
    return;
  }
  if (is_unwinding) {  // a signal stopped this rank: others that wait for it in a collective learn so at once
    if (group_->has_nccl) {
      group_->features->abort();
      group_->gradients->abort();
    }
    group_->features.reset();
    group_->gradients.reset();
  }
  if (group_->has_nccl && !is_unwinding) {  // what it holds of the GPU it gives back only when told
    group_->features->shutdown();
    group_->gradients->shutdown();
  }
  group_->watchdog->leave(/*in_peace=*/true);
}

torch::Tensor Communicator::all_gather(const torch::Tensor& rows) {
  if (!group_) return rows;
  GLINT_CHECK(rows.dim() > 0, "no rows to gather");
  const torch::NoGradGuard no_grad;
  auto input = rows.detach().contiguous();
  auto shape = input.sizes().vec();
  shape[0] *= ranks();
  auto output = torch::empty(shape, input.options());
  if (output.numel() == 0) return output;
  run_collective(*group_, "gathering", [&](auto& group) { return group._allgather_base(output, input); });
  return output;
}

std::vector<std::string> Communicator::all_gather(const std::string& text) {
  if (!group_) return {text};
  const auto lengths = all_gather(torch::full({1}, static_cast<std::int64_t>(text.size()), torch::kLong));
  const auto longest = lengths.max().item<std::int64_t>();
  auto padded = torch::zeros({1, longest}, torch::kUInt8);
  std::copy(text.begin(), text.end(), padded.data_ptr<std::uint8_t>());
  const auto all = all_gather(padded);  // [ranks, longest]
  std::vector<std::string> texts;
  for (std::int64_t rank = 0; rank < ranks(); ++rank) {
    const auto* begin = reinterpret_cast<const char*>(all.data_ptr<std::uint8_t>()) + rank * longest;
    texts.emplace_back(begin, begin + lengths[rank].item<std::int64_t>());
  }
  return texts;
}

void Communicator::all_reduce(torch::Tensor& values) {
  if (!group_ || values.numel() == 0) return;
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> sums = {values.detach().contiguous()};
  run_collective(*group_, "summing", [&](auto& group) { return group.allreduce(sums); });
  if (!values.is_alias_of(sums[0])) values.copy_(sums[0]);
}

void Communicator::broadcast(torch::Tensor& values, std::int64_t root) {
  if (!group_ || values.numel() == 0) return;
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> sent = {values.detach().contiguous()};
  c10d::BroadcastOptions options;
  options.rootRank = root;
  run_collective(*group_, "broadcasting", [&](auto& group) { return group.broadcast(sent, options); });
  if (!values.is_alias_of(sent[0])) values.copy_(sent[0]);
}

void Communicator::barrier() {
  if (!group_) return;
  c10d::BarrierOptions options;
  options.device = torch::kCPU;  // of a GPU it would wait for one
  run_collective(*group_, "waiting for all ranks", [&](auto& group) { return group.barrier(options); });
}

std::shared_ptr<Communicator> make_communicator(const RankInfo& info, double timeout_s, torch::Device device) {
  GLINT_CHECK(timeout_s > 0, "timeout_s ", timeout_s);
  if (info.ranks == 1) return std::make_shared<Communicator>(info, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // what c10d writes to a rank that is gone must be an error, not this one's end
  return std::make_shared<Communicator>(info, dist::connect_ranks(info, timeout_s, device));
}

}  // namespace glint
