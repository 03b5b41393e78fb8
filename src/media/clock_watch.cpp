#include "media/clock_watch.h"

#include <algorithm>
#include <limits>

namespace glint::media {

namespace {

constexpr std::ptrdiff_t kMaxHeldBack = 16;    // by any codec's decoder
constexpr std::ptrdiff_t kBeforeKeyframe = 1;  // later ones that a keyframe may follow: one wrong time is no new clock

}  // namespace

bool ClockWatch::begins_anew(std::int64_t time, bool is_key) {
  const auto later = latest_.end() - std::upper_bound(latest_.begin(), latest_.end(), time);
  const bool is_new = later > (is_key ? kBeforeKeyframe : kMaxHeldBack);
  if (is_new) latest_.clear();
  note(time);
  return is_new;
}

void ClockWatch::note(std::int64_t time) {
  latest_.insert(std::upper_bound(latest_.begin(), latest_.end(), time), time);
  if (std::ssize(latest_) > kMaxHeldBack + 1) latest_.erase(latest_.begin());
}

std::int64_t sum_of(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return a < 0 ? std::numeric_limits<std::int64_t>::min() + 1 : std::numeric_limits<std::int64_t>::max();
}

std::int64_t difference_of(std::int64_t a, std::int64_t b) {
  std::int64_t difference = 0;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return a < 0 ? std::numeric_limits<std::int64_t>::min() + 1 : std::numeric_limits<std::int64_t>::max();
}

}  // namespace glint::media
