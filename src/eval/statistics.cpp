#include "glint/eval/statistics.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <future>
#include <numeric>
#include <thread>

#include "glint/core/error.h"
#include "glint/core/random.h"
#include "glint/core/thread_pool.h"

// U units, C columns.

namespace glint {
namespace {

constexpr std::size_t kEnumeratedUnits = 16;
constexpr double kConvolutionSteps = 3e8;  // 0.2 s; more are drawn at random instead
constexpr double kNormal975 = 1.959963984540054,
                 kNormal80 = 0.8416212335729143;  // quantiles of the normal distribution
constexpr double kRounding = 1e-12;               // of a sum's size

// What a draw is for, so that no two uses see the same numbers.
enum Stream : std::uint64_t { kUnits, kSeedsOfA, kSeedsOfB, kSigns };

// Runs work(begin, end) over [0, count) in blocks on several threads.
void in_blocks(std::int64_t count, int threads, const std::function<void(std::int64_t, std::int64_t)>& work) {
  const auto cores =
      static_cast<std::int64_t>(threads > 0 ? threads : std::max(1U, std::thread::hardware_concurrency()));
  const auto blocks = std::min(count, cores);
  if (blocks <= 1) return work(0, count);
  ThreadPool pool(static_cast<int>(blocks));
  std::vector<std::future<void>> done;
  for (std::int64_t block = 0; block < blocks; ++block) {
    done.push_back(pool.submit([&, block] { work(count * block / blocks, count * (block + 1) / blocks); }));
  }
  for (auto& future : done) future.get();
}

// Whole numbers below n without bias, two from each 64 random bits (Lemire, arXiv 1805.10941).
class IndexDraws {
 public:
  IndexDraws(std::uint64_t seed, Stream stream, std::int64_t draw)
      : random_({seed, stream, static_cast<std::uint64_t>(draw)}) {}

  std::size_t below(std::uint32_t n) {
    std::uint64_t product = std::uint64_t{next_half()} * n;
    if (static_cast<std::uint32_t>(product) < n) {
      const std::uint32_t favoured = -n % n;
      while (static_cast<std::uint32_t>(product) < favoured) product = std::uint64_t{next_half()} * n;
    }
    return static_cast<std::size_t>(product >> 32);
  }

 private:
  std::uint32_t next_half() {
    has_half_ = !has_half_;
    if (has_half_) bits_ = random_.next();
    return static_cast<std::uint32_t>(has_half_ ? bits_ : bits_ >> 32);
  }

  Random random_;
  std::uint64_t bits_ = 0;
  bool has_half_ = false;
};

// The columns row by row, so that a drawn unit's values lie together: [U, C].
class UnitTable {
 public:
  explicit UnitTable(const std::vector<double>& queries) : units_(queries.size()) {
    GLINT_CHECK(units_ > 0 && units_ < UINT32_MAX, units_, " units");
    for (const double count : queries) GLINT_CHECK(count > 0, "a unit of ", count, " queries");
    add(queries);
  }

  void add(const std::vector<double>& column) {
    GLINT_CHECK(column.size() == units_, column.size(), " values of ", units_, " units");
    for (const double value : column) GLINT_CHECK(std::isfinite(value), "the value ", value);
    columns_.push_back(column);
  }

  // Calls use(resample, means) for every resample, on several threads; means [C]: the drawn units' sum of each added
  // column over their number of queries.
  template <class Use>
  void for_each_resample(const Resampling& resampling, const Use& use) const {
    GLINT_CHECK(resampling.resamples > 0, resampling.resamples, " resamples");
    const auto rows = rows_of_units();
    in_blocks(resampling.resamples, resampling.threads, [&](std::int64_t begin, std::int64_t end) {
      std::vector<std::uint32_t> times(units_);
      std::vector<double> sums(columns_.size());
      for (std::int64_t resample = begin; resample < end; ++resample) {
        std::fill(times.begin(), times.end(), 0);
        IndexDraws draws(resampling.seed, kUnits, resample);
        for (std::size_t i = 0; i < units_; ++i) ++times[draws.below(static_cast<std::uint32_t>(units_))];
        add_rows(rows, times, sums);
        for (std::size_t c = 1; c < sums.size(); ++c) sums[c] /= sums[0];
        use(resample, sums.data() + 1);
      }
    });
  }

 private:
  std::vector<double> rows_of_units() const {
    std::vector<double> rows(units_ * columns_.size());
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      for (std::size_t u = 0; u < units_; ++u) rows[u * columns_.size() + c] = columns_[c][u];
    }
    return rows;
  }

  static void add_rows(const std::vector<double>& rows, const std::vector<std::uint32_t>& times,
                       std::vector<double>& sums) {
    const std::size_t width = sums.size();
    double* const sum = sums.data();
    std::fill(sums.begin(), sums.end(), 0);
    const double* row = rows.data();
    for (const auto count : times) {
      if (count != 0) {
        for (std::size_t c = 0; c < width; ++c) sum[c] += count * row[c];
      }
      row += width;
    }
  }

  std::size_t units_;
  UnitColumns columns_;  // the number of queries first
};

double percentile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

BootstrapInterval interval_of(std::vector<double> values) {
  const auto count = static_cast<double>(values.size());
  BootstrapInterval interval;
  interval.mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double value : values) squares += (value - interval.mean) * (value - interval.mean);
  interval.sd = std::sqrt(squares / std::max(1.0, count - 1));
  std::sort(values.begin(), values.end());
  interval.low = percentile(values, 0.025);
  interval.high = percentile(values, 0.975);
  return interval;
}

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

double log_choose(double n, double k) {
  return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
}

// P(Bin(n, p) = k), 0 < p < 1.
double binomial_chance(std::int64_t n, std::int64_t k, double p) {
  const auto all = static_cast<double>(n), some = static_cast<double>(k);
  return std::exp(log_choose(all, some) + some * std::log(p) + (all - some) * std::log1p(-p));
}

// P(Bin(n, p) <= m): the smaller tail, summed from its largest term on.
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

// The order of the p-values, smallest first.
std::vector<std::size_t> ascending_order(const std::vector<double>& p) {
  for (const double value : p) GLINT_CHECK(value >= 0 && value <= 1, "the p-value ", value);
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return p[i] < p[j]; });
  return order;
}

// Mean of as many of an arm's seeds as there are, drawn with replacement. means: [seeds, C]
double mean_of_drawn_seeds(const double* means, std::size_t column, std::size_t columns,
                           const std::vector<std::size_t>& drawn) {
  double sum = 0;
  for (const auto seed : drawn) sum += means[seed * columns + column];
  return sum / static_cast<double>(drawn.size());
}

std::vector<std::size_t> drawn_seeds(std::size_t seeds, const Resampling& resampling, Stream stream,
                                     std::int64_t resample) {
  IndexDraws draws(resampling.seed, stream, resample);
  std::vector<std::size_t> drawn(seeds);
  for (auto& seed : drawn) seed = draws.below(static_cast<std::uint32_t>(seeds));
  return drawn;
}

SeedBootstrap judge_resamples(std::vector<double> values) {
  std::int64_t not_above = 0, not_below = 0;
  for (const double value : values) {
    not_above += value <= 0;
    not_below += value >= 0;
  }
  const auto count = static_cast<double>(values.size());
  SeedBootstrap result;
  result.p = std::min(1.0, 2 * (1 + static_cast<double>(std::min(not_above, not_below))) / (count + 1));
  result.interval = interval_of(std::move(values));
  return result;
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

std::vector<BootstrapInterval> paired_bootstrap(const UnitColumns& differences, const std::vector<double>& queries,
                                                const Resampling& resampling) {
  UnitTable table(queries);
  for (const auto& column : differences) table.add(column);
  UnitColumns values(differences.size(), std::vector<double>(static_cast<std::size_t>(resampling.resamples)));
  table.for_each_resample(resampling, [&](std::int64_t resample, const double* means) {
    for (std::size_t c = 0; c < values.size(); ++c) values[c][static_cast<std::size_t>(resample)] = means[c];
  });
  std::vector<BootstrapInterval> intervals;
  for (auto& column : values) intervals.push_back(interval_of(std::move(column)));
  return intervals;
}

std::vector<SeedBootstrap> seed_bootstrap(const std::vector<UnitColumns>& a, const std::vector<UnitColumns>& b,
                                          const std::vector<double>& queries, const Resampling& resampling) {
  GLINT_CHECK(!a.empty() && !b.empty(), a.size(), " and ", b.size(), " seeds");
  const std::size_t columns = a.front().size();
  UnitTable table(queries);
  for (const auto* arm : {&a, &b}) {
    for (const auto& seed : *arm) {
      GLINT_CHECK(seed.size() == columns, seed.size(), " columns of ", columns);
      for (const auto& column : seed) table.add(column);
    }
  }
  UnitColumns values(columns, std::vector<double>(static_cast<std::size_t>(resampling.resamples)));
  table.for_each_resample(resampling, [&](std::int64_t resample, const double* means) {
    const auto seeds_a = drawn_seeds(a.size(), resampling, kSeedsOfA, resample);
    const auto seeds_b = drawn_seeds(b.size(), resampling, kSeedsOfB, resample);
    for (std::size_t c = 0; c < columns; ++c) {
      const double mean_a = mean_of_drawn_seeds(means, c, columns, seeds_a);
      const double mean_b = mean_of_drawn_seeds(means + a.size() * columns, c, columns, seeds_b);
      const bool is_equal = std::abs(mean_b - mean_a) <= kRounding * (std::abs(mean_a) + std::abs(mean_b));
      values[c][static_cast<std::size_t>(resample)] = is_equal ? 0 : mean_b - mean_a;
    }
  });
  std::vector<SeedBootstrap> results;
  for (auto& column : values) results.push_back(judge_resamples(std::move(column)));
  return results;
}

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
