#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "glint/dist/rank_info.h"

namespace glint {

namespace dist {
struct Group;  // c10d's objects
}

// One process among those that train together (a rank). Every call must be made by all ranks, in the same order, with
// tensors of the same shape, type and device; it returns when this rank has its result. One thread at a time,
// autograd's included. Nothing here records gradients: gather.h does.
// Where another rank ends or the network fails, calls throw Error after some seconds, in which it is found out who it
// was: "rank 2 is gone; it did last: step 57: backward, on node3; ...". Among several ranks a watchdog runs as long as
// this object lives: where one makes no progress (core/activity.h; a collective is progress too) for timeout_s and the
// others wait for it, it is named and all processes end with 1. Destroyed in peace, rank 0 waits until the others are
// done too: it keeps their rendezvous.
class Communicator {
 public:
  // The one rank of a process that trains or evaluates by itself: no connection is made, every call is the identity.
  static std::shared_ptr<Communicator> alone();

  Communicator(const RankInfo& info, std::unique_ptr<dist::Group> group);  // null where there is one rank
  ~Communicator();
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  std::int64_t rank() const { return info_.rank; }
  std::int64_t ranks() const { return info_.ranks; }
  std::int64_t local_rank() const { return info_.local_rank; }

  torch::Tensor all_gather(const torch::Tensor& rows);           // [N, ...] -> [ranks * N, ...], by rank
  std::vector<std::string> all_gather(const std::string& text);  // any lengths; by rank
  void all_reduce(torch::Tensor& values);                        // their sum, in place
  void broadcast(torch::Tensor& values, std::int64_t root = 0);  // root's, in place
  void barrier();                                                // returns when all ranks have called it

  dist::Group* group() const { return group_.get(); }  // for this room

 private:
  RankInfo info_;
  std::unique_ptr<dist::Group> group_;
};

// Meets the other ranks; from then on the process ignores SIGPIPE. Tensors of the CPU travel by Gloo; `device`: where
// this rank's others live, a GPU's then travel by NCCL. One rank: as Communicator::alone(). Throws Error where they do
// not meet within `timeout_s`, naming the ranks that are missing.
std::shared_ptr<Communicator> make_communicator(const RankInfo& info, double timeout_s,
                                                torch::Device device = torch::kCPU);

}  // namespace glint
