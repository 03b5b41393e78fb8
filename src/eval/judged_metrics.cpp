#include "glint/eval/judged_metrics.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "eval/query_blocks.h"
#include "glint/core/error.h"

namespace glint {
namespace {

// Of one query.
struct PositionsOfQuery {
  std::vector<double> optimistic;
  std::vector<double> average;
};

// `right`: ascending items. `own` is room for their scores.
template <class Score>
PositionsOfQuery count_positions(const Score* row, int64_t items, const std::vector<int64_t>& right,
                                 std::vector<Score>& own) {
  own.clear();
  for (const int64_t item : right) own.push_back(row[item]);
  std::sort(own.begin(), own.end(), std::greater<>());
  std::vector<int64_t> above(own.size() + 1), equal(own.size() + 1);  // wrong items above own[m], but not own[m - 1]
  auto next_right = right.begin();
  for (int64_t item = 0; item < items; ++item) {
    if (next_right != right.end() && *next_right == item) {
      ++next_right;
      continue;
    }
    const auto [first, last] = std::equal_range(own.begin(), own.end(), row[item], std::greater<>());
    ++above[static_cast<std::size_t>(last - own.begin())];
    for (auto m = first; m != last; ++m) ++equal[static_cast<std::size_t>(m - own.begin())];
  }
  PositionsOfQuery positions;
  int64_t wrong_above = 0;
  for (std::size_t m = 0; m < own.size(); ++m) {
    wrong_above += above[m];
    positions.optimistic.push_back(static_cast<double>(wrong_above) + static_cast<double>(m));
    positions.average.push_back(positions.optimistic.back() + static_cast<double>(equal[m]) / 2);
  }
  return positions;
}

double share_within(const std::vector<double>& positions, double k) {
  const auto within = std::count_if(positions.begin(), positions.end(), [k](double p) { return p < k; });
  return static_cast<double>(within) / static_cast<double>(positions.size());
}

}  // namespace

int64_t JudgedPositions::tied() const {
  int64_t count = 0;
  for (std::size_t i = 0; i < positions.size(); ++i) count += positions[i] != positions_average[i];
  return count;
}

JudgedPositions judged_positions(const Scores& scores, Direction direction, const RightAnswers& right,
                                 const QueryTransform& transform, AnswerNotes* notes) {
  GLINT_CHECK(scores.queries(direction) == std::ssize(right.of_query) && scores.items(direction) == right.items,
              "scores ", scores.queries(direction), " x ", scores.items(direction), ", right answers ",
              right.of_query.size(), " x ", right.items);
  std::vector<int64_t> place;  // of each query, among those asked
  int64_t asked = 0;
  for (const auto& items : right.of_query) {
    place.push_back(asked);
    asked += items.empty() ? 0 : 1;
  }
  std::vector<PositionsOfQuery> found(right.of_query.size());
  NoteTaker noted(notes, asked, right.items);
  for_query_blocks(scores, direction, transform, [&](const auto& block) {
    std::vector<std::decay_t<decltype(*block.values)>> own;
    for (int64_t query = block.first; query < block.first + block.count; ++query) {
      const auto& items = right.of_query[static_cast<std::size_t>(query)];
      const auto* row = block.row(query);
      refuse_nan(row, block.items, direction, query);
      for (const int64_t item : items) {
        if (!std::isfinite(row[item])) refuse_score(row[item], direction, query, item);
      }
      found[static_cast<std::size_t>(query)] = count_positions(row, block.items, items, own);
      if (!items.empty()) noted.take(place[static_cast<std::size_t>(query)], row, own.front());
    }
  });
  JudgedPositions result;
  for (std::size_t query = 0; query < found.size(); ++query) {
    if (found[query].optimistic.empty()) {
      ++result.not_asked;
      continue;
    }
    result.queries.push_back(static_cast<int64_t>(query));
    result.positions.push_back(std::move(found[query].optimistic));
    result.positions_average.push_back(std::move(found[query].average));
  }
  return result;
}

double ndcg10(const std::vector<double>& positions) {
  double gain = 0, ideal = 0;
  for (std::size_t m = 0; m < positions.size(); ++m) {
    if (positions[m] < 10) gain += 1 / std::log2(2 + positions[m]);
    if (m < 10) ideal += 1 / std::log2(2 + static_cast<double>(m));
  }
  return gain / ideal;
}

double average_precision(const std::vector<double>& positions) {
  double sum = 0;
  for (std::size_t m = 0; m < positions.size(); ++m) sum += static_cast<double>(m + 1) / (1 + positions[m]);
  return sum / static_cast<double>(positions.size());
}

JudgedMetrics summarise(const JudgedPositions& positions, Ties ties) {
  const auto& counted = positions.counted(ties);
  std::vector<double> best;
  for (const auto& of_query : counted) best.push_back(of_query.front());
  JudgedMetrics metrics{summarise(best)};
  metrics.ndcg10 = 0;  // of all right answers
  const auto queries = static_cast<double>(counted.size());
  for (const auto& of_query : counted) {
    metrics.ndcg10 += glint::ndcg10(of_query) / queries;
    metrics.map += average_precision(of_query) / queries;
    metrics.recall5 += share_within(of_query, 5) / queries;
    metrics.recall10 += share_within(of_query, 10) / queries;
  }
  metrics.tied = positions.tied();
  metrics.not_asked = positions.not_asked;
  return metrics;
}

}  // namespace glint
