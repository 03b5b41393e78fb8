#include <cmath>
#include <numeric>
#include <vector>

#include "glint/eval/statistics.h"

namespace glint {
namespace {

double mean_of_numbers(const std::vector<double>& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

// Of the mean: the variance of the numbers (divisor n - 1) over their number.
double variance_of_mean(const std::vector<double>& x) {
  const double mean = mean_of_numbers(x), n = static_cast<double>(x.size());
  double sum = 0;
  for (const double value : x) sum += (value - mean) * (value - mean);
  return sum / (n - 1) / n;
}

// The continued fraction of the incomplete beta function by Lentz's method (Abramowitz and Stegun 26.5.8).
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300, kEnough = 1e-15;
  constexpr int kMostTerms = 10'000;
  const auto away_from_zero = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), fraction = d;
  for (int m = 1; m < kMostTerms; ++m) {
    double change = 1;
    for (const bool is_even : {true, false}) {
      const double term = is_even ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
                                  : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
      d = 1 / away_from_zero(1 + term * d);
      c = away_from_zero(1 + term / c);
      change = c * d;
      fraction *= change;
    }
    if (std::abs(change - 1) < kEnough) break;
  }
  return fraction;
}

// I_x(a, b), regularised.
double incomplete_beta(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double front =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

// P(|T| >= t) of Student's distribution.
double two_sided_t(double t, double freedom) {
  return incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t));
}

// The t whose two-sided p is `p`, by halving.
double critical_t(double p, double freedom) {
  double low = 0, high = 1;
  while (two_sided_t(high, freedom) > p) high *= 2;
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (two_sided_t(middle, freedom) > p ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

std::optional<WelchTest> welch_test(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() < 2 || b.size() < 2) return std::nullopt;
  const double of_a = variance_of_mean(a), of_b = variance_of_mean(b), both = of_a + of_b;
  if (!(both > 0) || !std::isfinite(both)) return std::nullopt;
  const auto less_one = [](const std::vector<double>& x) { return static_cast<double>(x.size() - 1); };
  WelchTest test;
  test.difference = mean_of_numbers(b) - mean_of_numbers(a);
  test.freedom = both * both / (of_a * of_a / less_one(a) + of_b * of_b / less_one(b));
  const double error = std::sqrt(both), half = critical_t(0.05, test.freedom) * error;
  test.low = test.difference - half;
  test.high = test.difference + half;
  test.p = two_sided_t(std::abs(test.difference) / error, test.freedom);
  return test;
}

}  // namespace glint
