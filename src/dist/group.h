#pragma once

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "dist/watchdog.h"
#include "glint/core/error.h"

namespace glint::dist {

// c10d's part of a Communicator. Two groups, since a group's collectives must come in one order on all ranks: the
// reducer starts its own whenever a bucket is full, among those of the features' backward.
struct Group {
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<c10d::ProcessGroup> features;
  c10::intrusive_ptr<c10d::ProcessGroup> gradients;
  bool has_nccl = false;
  std::unique_ptr<Watchdog> watchdog;  // ends before what it watches

  std::mutex mutex;                 // of what follows
  std::optional<std::string> loss;  // why other ranks are lost, once they are

  bool is_lost() {
    const std::lock_guard lock(mutex);
    return loss.has_value();
  }
};

// "[pair.cc:534] Connection closed by peer [::1]:42. Exception raised from ..." -> "Connection closed by peer [::1]:42"
std::string plain_cause(const std::string& message);

// What c10d or Gloo threw (the exception being handled) as an Error: which ranks are gone, what they did last, and what
// this one was `doing`. Finding out takes seconds, once. Rethrown as it is where it is no failure of communication.
[[noreturn]] void throw_lost(Group& group, const char* doing);

template <class Work>
auto communicate(Group& group, const char* doing, Work&& work) {
  try {
    return std::forward<Work>(work)();
  } catch (...) {
    throw_lost(group, doing);
  }
}

}  // namespace glint::dist
