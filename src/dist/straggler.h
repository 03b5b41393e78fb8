#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace glint::dist {

// What a rank told of itself at the rendezvous.
struct RankStatus {
  std::uint64_t beats = 0;        // how often its watchdog has spoken
  std::uint64_t progress = 0;     // core/activity.h
  std::uint64_t collectives = 0;  // begun by it
  bool has_left = false;          // its part is done
  bool has_failed = false;        // and that not in peace
  std::string activity;
};

// Who keeps the others waiting. All times are this process's steady clock's, so that no clock that jumps, here or
// there, changes a verdict: what counts is how long ago a word of a rank was new here.
class StragglerJudge {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  StragglerJudge(std::size_t ranks, Duration limit, Time now);

  // This process itself was stopped meanwhile: all ranks are given the whole time again.
  void start_again(Time now);
  void hear(const std::vector<RankStatus>& words, Time now);  // one a rank

  enum class Kind { kNone, kSilent, kStraggling };
  struct Verdict {
    Kind kind = Kind::kNone;
    std::vector<std::size_t> ranks = {};
  };
  // Silent: a rank whose watchdog has not spoken for the limit (its process or machine is stopped or cut off). Stands
  // still: one that has made no progress for the limit and has begun no more collectives than any other rank. One that
  // waits in a collective which others have not begun yet is never blamed, however long they work.
  Verdict verdict(Time now) const;

  const RankStatus& word(std::size_t rank) const { return ranks_[rank].word; }

 private:
  struct Heard {
    RankStatus word;
    Time new_beat, new_progress;
  };
  std::vector<Heard> ranks_;
  Duration limit_;
};

}  // namespace glint::dist
