#pragma once

#include <torch/csrc/distributed/c10d/Store.hpp>

#include <chrono>
#include <string>
#include <vector>

#include "glint/dist/rank_info.h"

namespace glint::dist {

// All ranks of one training, come together at c10d's store, which rank 0 keeps, or torchrun's agent.
struct Rendezvous {
  c10::intrusive_ptr<c10d::Store> store;           // this meeting's part of it
  c10::intrusive_ptr<c10d::Store> watchdog_store;  // the same by a connection of its own
  std::string address;                             // of this machine, by which the others reach it
};

// Throws Error where not all come within `timeout_s`, naming who is missing or why the store is not reached.
Rendezvous rendezvous(const RankInfo& info, double timeout_s);

// Rounded up: c10d takes its limits so, and 0 as no limit.
std::chrono::milliseconds as_milliseconds(double seconds);

}  // namespace glint::dist
