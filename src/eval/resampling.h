#pragma once

#include <cstdint>
#include <functional>

// What random draws of units and of signs have in common.
namespace glint {

constexpr double kRounding = 1e-12;  // of a sum's size: sums that differ by less are equal

// What a draw is for, so that no two uses see the same numbers.
enum Stream : std::uint64_t { kUnits, kSeedsOfA, kSeedsOfB, kSigns };

// Runs work(begin, end) over [0, count) in blocks on several threads; 0: one a core.
void in_blocks(std::int64_t count, int threads, const std::function<void(std::int64_t, std::int64_t)>& work);

}  // namespace glint
