#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "eval/binomial.h"
#include "glint/core/error.h"
#include "glint/eval/statistics.h"

// What McNemar's test can see.
namespace glint {
namespace {

// Quantiles of the normal distribution.
constexpr double kNormal975 = 1.959963984540054, kNormal80 = 0.8416212335729143;

// The exact power as a function of the difference: how many queries are discordant is random too.
class McnemarPower {
 public:
  McnemarPower(std::int64_t queries, double share) : share_(share) {
    const double mean = static_cast<double>(queries) * share;
    const double reach = 10 * std::sqrt(mean * (1 - share)) + 10;  // what lies outside has less than 1e-18
    const auto last = std::min(queries, static_cast<std::int64_t>(mean + reach));
    for (auto n = std::max<std::int64_t>(0, static_cast<std::int64_t>(mean - reach)); n <= last; ++n) {
      const auto critical = mcnemar_critical(n);
      const double chance = share < 1 ? binomial_chance(queries, n, share) : n == queries;
      if (critical) cases_.push_back({n, *critical, chance});
    }
  }

  double operator()(double difference) const {
    const double p = (1 + difference / share_) / 2;
    double power = 0;
    for (const auto& c : cases_) {
      power += c.chance * (binomial_tail(c.n, c.critical, p) + binomial_tail(c.n, c.critical, 1 - p));
    }
    return power;
  }

 private:
  struct Case {
    std::int64_t n, critical;
    double chance;
  };
  double share_;
  std::vector<Case> cases_;
};

std::optional<double> found_in_80(std::int64_t queries, double share) {
  const McnemarPower power(queries, share);
  if (power(share) < 0.8) return std::nullopt;
  double low = 0, high = share;
  for (int i = 0; i < 40; ++i) {
    const double middle = (low + high) / 2;
    (power(middle) < 0.8 ? low : high) = middle;
  }
  return 100 * high;
}

std::optional<double> found_in_80_by_normal(double n, double share) {
  const double a = kNormal975, b = kNormal80;
  const double inner = a * a * b * b + (n + b * b) * (n - a * a);
  if (inner < 0) return std::nullopt;
  const double s = std::sqrt(share) * (std::sqrt(inner) - a * b) / (n + b * b);
  return 100 * std::sqrt(std::max(0.0, share - s * s));
}

}  // namespace

std::optional<std::int64_t> mcnemar_critical(std::int64_t discordant) {
  GLINT_CHECK(discordant >= 0, discordant, " discordant queries");
  std::int64_t low = -1, high = discordant / 2 + 1;  // 2 P(<= low) <= 0.05 < 2 P(<= high)
  while (high - low > 1) {
    const auto middle = (low + high) / 2;
    (2 * binomial_tail(discordant, middle, 0.5) <= 0.05 ? low : high) = middle;
  }
  return low < 0 ? std::nullopt : std::optional(low);
}

double mcnemar_power(std::int64_t queries, double discordant_share, double difference) {
  GLINT_CHECK(queries > 0 && discordant_share > 0 && discordant_share <= 1, queries, ", ", discordant_share);
  GLINT_CHECK(std::abs(difference) <= discordant_share, "a difference of ", difference, " of ", discordant_share);
  return McnemarPower(queries, discordant_share)(difference);
}

PowerLine power_line(std::int64_t queries, double discordant_share) {
  GLINT_CHECK(queries > 0 && discordant_share >= 0 && discordant_share <= 1, queries, ", ", discordant_share);
  const auto n = static_cast<double>(queries);
  PowerLine line;
  line.queries = queries;
  line.discordant = static_cast<std::int64_t>(std::nearbyint(n * discordant_share));
  line.normal_rule = 100 * kNormal975 * std::sqrt(discordant_share / n);
  if (const auto critical = mcnemar_critical(line.discordant)) {
    line.smallest_significant = 100 * static_cast<double>(line.discordant - 2 * *critical) / n;
  }
  if (discordant_share > 0) {
    line.found_in_80 = found_in_80(queries, discordant_share);
    line.found_in_80_by_normal = found_in_80_by_normal(n, discordant_share);
  }
  return line;
}

}  // namespace glint
