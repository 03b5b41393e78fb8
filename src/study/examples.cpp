#include "study/examples.h"

#include <algorithm>
#include <map>

#include "glint/core/error.h"

namespace glint::study {
namespace {

constexpr std::size_t kExamples = 10;

// The mean rank of every text query over an arm's runs, by its id.
std::map<std::string, double> mean_ranks(const ComparedArm& arm) {
  std::map<std::string, double> ranks;
  for (const auto& run : arm.runs) {
    const auto& t2v = run.ranks.t2v;
    for (std::size_t i = 0; i < t2v.query.size(); ++i) {
      const auto& query = run.ranks.queries[static_cast<std::size_t>(t2v.query[i])];
      ranks[query.id] += (t2v.rank_average[i] + 1) / static_cast<double>(arm.runs.size());
    }
  }
  return ranks;
}

double ratio(const QueryExample& example) {
  return example.base_rank / example.arm_rank;
}

}  // namespace

ChangedQueries changed_queries(const ComparisonReport& comparison, const std::string& name) {
  const auto arm = std::find_if(comparison.arms.begin(), comparison.arms.end(),
                                [&](const auto& other) { return other.name == name; });
  GLINT_CHECK(arm != comparison.arms.end(), name);
  const auto base_ranks = mean_ranks(comparison.base()), arm_ranks = mean_ranks(*arm);
  ChangedQueries changed;
  std::vector<QueryExample> all;
  for (const auto& query : comparison.base().runs.front().ranks.queries) {
    const auto base = base_ranks.find(query.id), other = arm_ranks.find(query.id);
    if (base == base_ranks.end() || other == arm_ranks.end()) continue;
    if (base->second == other->second) {
      ++changed.same;
      continue;
    }
    ++(other->second < base->second ? changed.better : changed.worse);
    all.push_back({query.caption.empty() ? query.id : query.caption, query.video, base->second, other->second});
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return ratio(a) > ratio(b); });
  for (auto one = all.begin(); one != all.end() && ratio(*one) > 1 && changed.arm_better.size() < kExamples; ++one)
    changed.arm_better.push_back(*one);
  for (auto one = all.rbegin(); one != all.rend() && ratio(*one) < 1 && changed.base_better.size() < kExamples; ++one)
    changed.base_better.push_back(*one);
  return changed;
}

}  // namespace glint::study
