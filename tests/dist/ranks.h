#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "glint/dist/communicator.h"

namespace glint::test {

// How a rank's process ended: its exit code, or 128 + signal. 0: the body returned and none of its expectations failed.
using RankEnds = std::vector<int>;

// Runs `body` in `ranks` forked processes, which meet at a port of their own; ends them after a minute. To be called
// before this process computes: a fork has one thread.
RankEnds run_ranks(std::int64_t ranks, const std::function<void(const RankInfo&)>& body);
RankEnds run_communicators(std::int64_t ranks, const std::function<void(std::shared_ptr<Communicator>)>& body);

// All zero.
RankEnds well(std::int64_t ranks);

}  // namespace glint::test
