#include "dist/straggler.h"

#include <algorithm>
#include <limits>

#include "glint/core/error.h"

namespace glint::dist {

StragglerJudge::StragglerJudge(std::size_t ranks, Duration limit, Time now)
    : ranks_(ranks, Heard{{}, now, now}), limit_(limit) {}

void StragglerJudge::start_again(Time now) {
  for (auto& rank : ranks_) rank.new_beat = rank.new_progress = now;
}

void StragglerJudge::hear(const std::vector<RankStatus>& words, Time now) {
  GLINT_CHECK(words.size() == ranks_.size(), words.size(), " words of ", ranks_.size(), " ranks");
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
    auto& heard = ranks_[rank];
    if (words[rank].beats != heard.word.beats) heard.new_beat = now;
    if (words[rank].progress != heard.word.progress) heard.new_progress = now;
    heard.word = words[rank];
  }
}

StragglerJudge::Verdict StragglerJudge::verdict(Time now) const {
  auto fewest = std::numeric_limits<std::uint64_t>::max();
  for (const auto& rank : ranks_) {
    if (!rank.word.has_left) fewest = std::min(fewest, rank.word.collectives);
  }
  Verdict silent{Kind::kSilent}, still{Kind::kStraggling};
  for (std::size_t i = 0; i < ranks_.size(); ++i) {
    const auto& rank = ranks_[i];
    if (rank.word.has_left) continue;
    if (now - rank.new_beat >= limit_) silent.ranks.push_back(i);
    if (now - rank.new_progress >= limit_ && rank.word.collectives == fewest) still.ranks.push_back(i);
  }
  if (!silent.ranks.empty()) return silent;
  return still.ranks.empty() ? Verdict{} : still;
}

}  // namespace glint::dist
