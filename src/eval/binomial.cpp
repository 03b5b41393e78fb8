#include "eval/binomial.h"

#include <cmath>

namespace glint {
namespace {

double log_choose(double n, double k) {
  return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
}

}  // namespace

double binomial_chance(std::int64_t n, std::int64_t k, double p) {
  const auto all = static_cast<double>(n), some = static_cast<double>(k);
  return std::exp(log_choose(all, some) + some * std::log(p) + (all - some) * std::log1p(-p));
}

double binomial_tail(std::int64_t n, std::int64_t m, double p) {
  if (m < 0) return 0;
  if (m >= n || p <= 0) return 1;
  if (p >= 1) return 0;
  if (static_cast<double>(m) > static_cast<double>(n) * p) return 1 - binomial_tail(n, n - m - 1, 1 - p);
  const double odds = (1 - p) / p;
  double term = binomial_chance(n, m, p), sum = 0;
  for (auto k = m; k >= 0 && term > sum * 1e-18; --k) {
    sum += term;
    term *= odds * static_cast<double>(k) / static_cast<double>(n - k + 1);
  }
  return sum;
}

}  // namespace glint
