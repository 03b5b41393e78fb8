#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "eval/resampling.h"
#include "glint/core/error.h"
#include "glint/core/random.h"
#include "glint/eval/statistics.h"

// Intervals from resamples of units and of training seeds. U units, C columns.
namespace glint {
namespace {

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

}  // namespace glint
