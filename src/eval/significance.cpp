#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <optional>
#include <vector>

#include "eval/binomial.h"
#include "eval/resampling.h"
#include "glint/core/error.h"
#include "glint/core/random.h"
#include "glint/eval/statistics.h"

// McNemar's test and sign flips.
namespace glint {
namespace {

constexpr std::size_t kEnumeratedUnits = 16;
constexpr double kConvolutionSteps = 3e8;  // 0.2 s; more are drawn at random instead

// Sums of differences under any signs, eight units at a time from tables of their 256 sums.
class SignedSums {
 public:
  explicit SignedSums(const std::vector<double>& differences) : groups_((differences.size() + 7) / 8) {
    tables_.resize(groups_ * 256);
    for (std::size_t u = 0; u < differences.size(); ++u) {
      double* table = &tables_[u / 8 * 256];
      for (std::size_t signs = 0; signs < 256; ++signs) {
        table[signs] += (signs >> (u % 8) & 1) != 0 ? -differences[u] : differences[u];
      }
    }
  }

  // `next` gives 64 signs at a time.
  template <class Next>
  double sum(Next&& next) const {
    double total = 0;
    std::uint64_t signs = 0;
    for (std::size_t group = 0; group < groups_; ++group) {
      if (group % 8 == 0) signs = next();
      total += tables_[group * 256 + (signs & 255)];
      signs >>= 8;
    }
    return total;
  }

 private:
  std::size_t groups_;
  std::vector<double> tables_;  // [groups, 256]
};

double enumerated_p(const SignedSums& sums, std::size_t units, double least) {
  const std::uint64_t all = std::uint64_t{1} << units;
  std::int64_t found = 0;
  for (std::uint64_t signs = 0; signs < all; ++signs) found += std::abs(sums.sum([&] { return signs; })) >= least;
  return static_cast<double>(found) / static_cast<double>(all);
}

double drawn_p(const SignedSums& sums, double least, const Resampling& draws) {
  GLINT_CHECK(draws.resamples > 0, draws.resamples, " draws");
  std::atomic<std::int64_t> found = 0;
  in_blocks(draws.resamples, draws.threads, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t here = 0;
    for (std::int64_t draw = begin; draw < end; ++draw) {
      Random random({draws.seed, kSigns, static_cast<std::uint64_t>(draw)});
      here += std::abs(sums.sum([&] { return random.next(); })) >= least;
    }
    found += here;
  });
  return static_cast<double>(found + 1) / static_cast<double>(draws.resamples + 1);
}

// |differences| in ascending order as whole numbers of halves; none where they are something else or too many steps.
std::optional<std::vector<std::int64_t>> convolvable(const std::vector<double>& differences) {
  std::vector<std::int64_t> halves;
  double largest = 0;
  for (const double difference : differences) {
    const double twice = 2 * std::abs(difference);
    if (twice != std::floor(twice) || twice > kConvolutionSteps) return std::nullopt;
    halves.push_back(static_cast<std::int64_t>(twice));
    largest = std::max(largest, twice);
  }
  if (std::all_of(halves.begin(), halves.end(), [](std::int64_t twice) { return twice % 2 == 0; })) {
    for (auto& twice : halves) twice /= 2;
  }
  std::sort(halves.begin(), halves.end());
  double steps = 0, reached = 0;
  for (const auto value : halves) steps += (reached += static_cast<double>(value));
  if (steps > kConvolutionSteps) return std::nullopt;
  return halves;
}

// With X the sum of those |d| whose sign is plus, sum s d = 2 X - sum |d|; the distribution of X grows unit by unit.
double convolved_p(const std::vector<std::int64_t>& sizes, std::int64_t observed) {
  const auto total = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
  std::vector<double> chance(static_cast<std::size_t>(total) + 1), next(chance.size());
  chance[0] = 1;
  std::size_t reached = 0;
  for (const auto size : sizes) {
    const auto step = static_cast<std::size_t>(size);
    for (std::size_t x = 0; x < step; ++x) next[x] = 0.5 * chance[x];
    for (std::size_t x = step; x <= reached + step; ++x) next[x] = 0.5 * (chance[x] + chance[x - step]);
    reached += step;
    std::swap(chance, next);
  }
  double p = 0;
  for (std::int64_t x = 0; x <= total; ++x) {
    if (std::abs(2 * x - total) >= observed) p += chance[static_cast<std::size_t>(x)];
  }
  return std::min(1.0, p);
}

}  // namespace

double mcnemar_p(std::int64_t a_only, std::int64_t b_only) {
  GLINT_CHECK(a_only >= 0 && b_only >= 0, a_only, " and ", b_only, " discordant queries");
  if (a_only == b_only) return 1;
  return std::min(1.0, 2 * binomial_tail(a_only + b_only, std::min(a_only, b_only), 0.5));
}

SignFlipTest sign_flip_test(const std::vector<double>& differences, const Resampling& draws) {
  std::vector<double> units;  // without those that no sign changes
  double sum = 0, size = 0;
  for (const double difference : differences) {
    GLINT_CHECK(std::isfinite(difference), "the difference ", difference);
    if (difference != 0) units.push_back(difference);
    sum += difference;
    size += std::abs(difference);
  }
  const double least = std::abs(sum) - kRounding * size;
  if (least <= 0) return {};
  if (units.size() <= kEnumeratedUnits) return {enumerated_p(SignedSums(units), units.size(), least), 0};
  if (const auto sizes = convolvable(units)) {
    const auto total = static_cast<double>(std::accumulate(sizes->begin(), sizes->end(), std::int64_t{0}));
    return {convolved_p(*sizes, std::llround(std::abs(sum) * (total / size))), 0};
  }
  return {drawn_p(SignedSums(units), least, draws), draws.resamples};
}

}  // namespace glint
