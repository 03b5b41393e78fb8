#include <algorithm>
#include <numeric>
#include <vector>

#include "glint/core/error.h"
#include "glint/eval/statistics.h"

// Several p-values of one table.
namespace glint {
namespace {

// The order of the p-values, smallest first.
std::vector<std::size_t> ascending_order(const std::vector<double>& p) {
  for (const double value : p) GLINT_CHECK(value >= 0 && value <= 1, "the p-value ", value);
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return p[i] < p[j]; });
  return order;
}

}  // namespace

std::vector<double> holm(const std::vector<double>& p) {
  std::vector<double> adjusted(p.size());
  double least = 0;
  auto left = static_cast<double>(p.size());
  for (const auto i : ascending_order(p)) adjusted[i] = least = std::max(least, std::min(1.0, left-- * p[i]));
  return adjusted;
}

std::vector<double> benjamini_hochberg(const std::vector<double>& p) {
  std::vector<double> adjusted(p.size());
  const auto order = ascending_order(p);
  double most = 1;
  for (auto j = order.size(); j > 0; --j) {
    const auto i = order[j - 1];
    adjusted[i] = most = std::min(most, static_cast<double>(p.size()) * p[i] / static_cast<double>(j));
  }
  return adjusted;
}

}  // namespace glint
