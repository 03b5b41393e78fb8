#pragma once

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <atomic>
#include <memory>
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
  std::unique_ptr<Watchdog> watchdog;  // ends before what it watches
  std::atomic<bool> is_lost = false;   // a collective failed
};

// What c10d or Gloo threw (the exception being handled), as the Error of a rank that lost the others while `doing`;
// rethrown as it is where it is no failure of communication.
[[noreturn]] void throw_lost(const std::string& doing);

// "[pair.cc:534] Connection closed by peer [::1]:4321. Exception raised from ..." -> "Connection closed by peer
// [::1]:4321"
std::string plain_cause(const std::string& message);

template <class Work>
auto communicate(const char* doing, Work&& work) {
  try {
    return std::forward<Work>(work)();
  } catch (...) {
    throw_lost(doing);
  }
}

// The same among ranks that have met.
template <class Work>
auto communicate(Group& group, const char* doing, Work&& work) {
  try {
    return communicate(doing, std::forward<Work>(work));
  } catch (const Error&) {
    group.is_lost = true;
    throw;
  }
}

}  // namespace glint::dist
