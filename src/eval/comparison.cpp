#include "glint/eval/comparison.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <tuple>
#include <unordered_map>

#include "glint/core/error.h"

// A comparison's unit is the query, or in t2v with several captions a video the video (docs/evaluation.md). U units.

namespace glint {
namespace {

constexpr std::size_t kSeedsForNoise = 3;
constexpr std::size_t kMetricTop = 10;  // of nDCG@10
constexpr std::int64_t kSignFlips = 100'000;

struct ComparedMetric {
  enum class Kind { kRecall, kRecallSum, kMeanRank, kReciprocalRank, kNdcg, kAveragePrecision };
  std::string name;
  bool is_t2v = true;
  Kind kind = Kind::kRecall;
  std::int64_t k = 0;  // of kRecall

  double scale() const { return kind == Kind::kRecall || kind == Kind::kRecallSum ? 100 : 1; }
};

ComparedMetric parse_metric(const std::string& name) {
  using Kind = ComparedMetric::Kind;
  const std::unordered_map<std::string, Kind> kinds = {{"RSum", Kind::kRecallSum},
                                                       {"MnR", Kind::kMeanRank},
                                                       {"MRR", Kind::kReciprocalRank},
                                                       {"nDCG@10", Kind::kNdcg},
                                                       {"MAP", Kind::kAveragePrecision}};
  ComparedMetric metric;
  metric.name = name;
  const auto direction = name.substr(0, 4);
  const auto rest = name.size() > 4 ? name.substr(4) : std::string();
  metric.is_t2v = direction == "t2v/";
  bool is_known = metric.is_t2v || direction == "v2t/";
  if (const auto kind = kinds.find(rest); kind != kinds.end()) {
    metric.kind = kind->second;
  } else {
    const auto digits = rest.rfind("R@", 0) == 0 ? rest.substr(2) : std::string();
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), metric.k);
    is_known = is_known && problem == std::errc() && end == digits.data() + digits.size() && metric.k > 0;
  }
  if (!is_known)
    throw Error("--metric: no metric '", name,
                "'; there are R@1 (any number), RSum, MnR, MRR, nDCG@10 and MAP after t2v/ or v2t/");
  return metric;
}

const DirectionRanks& direction_of(const ComparedRun& run, bool is_t2v) {
  return is_t2v ? run.ranks.t2v : run.ranks.v2t;
}
const std::vector<RankedItem>& questions_of(const ComparedRun& run, bool is_t2v) {
  return is_t2v ? run.ranks.queries : run.ranks.gallery;
}

bool has_values(const ComparedRun& run, const ComparedMetric& metric) {
  using Kind = ComparedMetric::Kind;
  if (run.signature.truth == "own") return true;  // one right answer: its rank says all
  const auto& direction = direction_of(run, metric.is_t2v);
  if (metric.kind == Kind::kNdcg) return !direction.ndcg10.empty();
  return metric.kind != Kind::kAveragePrecision || !direction.average_precision.empty();
}

// A metric's value of every question of a run, in its own order and without its scale.
std::vector<double> values_of(const ComparedRun& run, const ComparedMetric& metric) {
  using Kind = ComparedMetric::Kind;
  const auto& direction = direction_of(run, metric.is_t2v);
  if (!has_values(run, metric))
    throw Error((run.folder / "ranks.safetensors").string(), ": has no column for ", metric.name,
                ", which its several right answers need; leave it out of --metric");
  if (metric.kind == Kind::kNdcg && !direction.ndcg10.empty()) return direction.ndcg10;
  if (metric.kind == Kind::kAveragePrecision && !direction.average_precision.empty())
    return direction.average_precision;
  const bool is_average = run.signature.ties == "average";
  std::vector<double> values;
  for (std::size_t i = 0; i < direction.rank.size(); ++i) {
    const double rank = is_average ? direction.rank_average[i] : static_cast<double>(direction.rank[i]);
    switch (metric.kind) {
      case Kind::kRecall:
        values.push_back(rank < static_cast<double>(metric.k));
        break;
      case Kind::kRecallSum:
        values.push_back((rank < 1) + (rank < 5) + (rank < 10));
        break;
      case Kind::kMeanRank:
        values.push_back(rank + 1);
        break;
      case Kind::kReciprocalRank:
      case Kind::kAveragePrecision:
        values.push_back(1 / (1 + rank));
        break;
      case Kind::kNdcg:
        values.push_back(rank < kMetricTop ? 1 / std::log2(2 + rank) : 0);
        break;
    }
  }
  return values;
}

// The questions of one direction, as the baseline's first run asks them, and their units.
struct ComparedQuestions {
  std::vector<std::string> ids;
  std::vector<std::size_t> unit;     // of each question
  std::vector<double> unit_queries;  // [U]: questions of each unit
};

ComparedQuestions questions_and_units(const ComparedRun& run, bool is_t2v) {
  ComparedQuestions questions;
  std::unordered_map<std::string, std::size_t> unit_of_video;
  for (const auto row : direction_of(run, is_t2v).query) {
    const auto& item = questions_of(run, is_t2v)[static_cast<std::size_t>(row)];
    questions.ids.push_back(item.id);
    auto unit = questions.unit_queries.size();
    if (is_t2v && !item.video.empty()) unit = unit_of_video.emplace(item.video, unit).first->second;
    if (unit == questions.unit_queries.size()) questions.unit_queries.push_back(0);
    questions.unit.push_back(unit);
    ++questions.unit_queries[unit];
  }
  if (questions.ids.empty())
    throw Error((run.folder / "ranks.safetensors").string(), ": asks nothing in ", is_t2v ? "t2v" : "v2t");
  return questions;
}

// Where each of the questions stands among a run's own.
std::vector<std::size_t> places_of(const ComparedQuestions& questions, const ComparedRun& run, const ComparedRun& first,
                                   bool is_t2v) {
  std::unordered_map<std::string, std::size_t> place_of_id;
  for (const auto row : direction_of(run, is_t2v).query)
    place_of_id.emplace(questions_of(run, is_t2v)[static_cast<std::size_t>(row)].id, place_of_id.size());
  std::vector<std::size_t> places;
  for (const auto& id : questions.ids) {
    const auto found = place_of_id.find(id);
    if (found == place_of_id.end())
      throw Error(run.folder.string(), ": does not ask '", id, "', which ", first.folder.string(),
                  " asks; only evaluations of the same queries can be compared");
    places.push_back(found->second);
  }
  if (place_of_id.size() != places.size())
    throw Error(run.folder.string(), ": asks ", place_of_id.size(), " queries, ", first.folder.string(), " asks ",
                places.size(), "; only evaluations of the same queries can be compared");
  return places;
}

// A direction's metrics of all arms, as sums over the questions of each unit.
class DirectionTable {
 public:
  DirectionTable(const std::vector<ComparedArm>& arms, const ComparedRun& first, bool is_t2v,
                 const std::vector<ComparedMetric>& metrics)
      : metrics_(metrics), questions_(questions_and_units(first, is_t2v)) {
    for (const auto& arm : arms) {
      auto& columns = columns_.emplace_back();
      for (const auto& run : arm.runs) {
        const auto places = places_of(questions_, run, first, is_t2v);
        auto& of_run = columns.emplace_back();
        for (const auto& metric : metrics) of_run.push_back(unit_sums(values_of(run, metric), places));
      }
    }
  }

  std::vector<MetricComparison> compare(std::size_t baseline, std::size_t arm, const Resampling& resampling) const {
    const auto& a = columns_[baseline];
    const auto& b = columns_[arm];
    std::vector<MetricComparison> results;
    for (std::size_t m = 0; m < metrics_.size(); ++m) results.push_back(plain_numbers(a, b, m));
    const bool has_seeds = a.size() >= kSeedsForNoise && b.size() >= kSeedsForNoise;
    if (has_seeds) {
      const auto found = seed_bootstrap(a, b, questions_.unit_queries, resampling);
      for (std::size_t m = 0; m < metrics_.size(); ++m) {
        results[m].p = found[m].p;
        results[m].test = "two-level bootstrap";
        set_interval(results[m], found[m].interval, metrics_[m].scale());
      }
      return results;
    }
    UnitColumns differences;
    for (std::size_t m = 0; m < metrics_.size(); ++m) {
      const auto whole = whole_differences(a, b, m);
      test(results[m], a, b, m, whole, resampling);
      differences.push_back(whole);
      for (auto& value : differences.back()) value /= static_cast<double>(a.size() * b.size());
    }
    const auto found = paired_bootstrap(differences, questions_.unit_queries, resampling);
    for (std::size_t m = 0; m < metrics_.size(); ++m) {
      set_interval(results[m], found[m], metrics_[m].scale());
      if (results[m].baseline_only) set_power(results[m]);
    }
    return results;
  }

 private:
  using ArmColumns = std::vector<UnitColumns>;  // [runs][metrics][U]

  std::vector<double> unit_sums(const std::vector<double>& values, const std::vector<std::size_t>& places) const {
    std::vector<double> sums(questions_.unit_queries.size());
    for (std::size_t i = 0; i < places.size(); ++i) sums[questions_.unit[i]] += values[places[i]];
    return sums;
  }

  // Mean over the questions, then over the runs; the standard deviation over the runs where there are several.
  std::pair<double, std::optional<double>> mean_and_sd(const ArmColumns& arm, std::size_t m) const {
    std::vector<double> means;
    for (const auto& run : arm) {
      double sum = 0;
      for (const double value : run[m]) sum += value;
      means.push_back(metrics_[m].scale() * sum / static_cast<double>(questions_.ids.size()));
    }
    double mean = 0, squares = 0;
    for (const double value : means) mean += value / static_cast<double>(means.size());
    for (const double value : means) squares += (value - mean) * (value - mean);
    if (means.size() < 2) return {mean, std::nullopt};
    return {mean, std::sqrt(squares / static_cast<double>(means.size() - 1))};
  }

  MetricComparison plain_numbers(const ArmColumns& a, const ArmColumns& b, std::size_t m) const {
    MetricComparison result;
    result.metric = metrics_[m].name;
    std::tie(result.baseline, result.baseline_sd) = mean_and_sd(a, m);
    std::tie(result.arm, result.arm_sd) = mean_and_sd(b, m);
    result.difference = result.arm - result.baseline;
    result.units = static_cast<std::int64_t>(questions_.unit_queries.size());
    result.queries = static_cast<std::int64_t>(questions_.ids.size());
    return result;
  }

  // Of each unit: the difference of the arms' means times the numbers of runs of both, which keeps hits and ranks
  // whole.
  std::vector<double> whole_differences(const ArmColumns& a, const ArmColumns& b, std::size_t m) const {
    std::vector<double> differences(questions_.unit_queries.size());
    for (std::size_t u = 0; u < differences.size(); ++u) {
      for (const auto& run : b) differences[u] += run[m][u] * static_cast<double>(a.size());
      for (const auto& run : a) differences[u] -= run[m][u] * static_cast<double>(b.size());
    }
    return differences;
  }

  void test(MetricComparison& result, const ArmColumns& a, const ArmColumns& b, std::size_t m,
            const std::vector<double>& differences, const Resampling& resampling) const {
    const bool is_pair = a.size() == 1 && b.size() == 1 && result.units == result.queries;
    if (is_pair && metrics_[m].kind == ComparedMetric::Kind::kRecall) {
      result.baseline_only = std::count(differences.begin(), differences.end(), -1.0);
      result.arm_only = std::count(differences.begin(), differences.end(), 1.0);
      result.p = mcnemar_p(*result.baseline_only, *result.arm_only);
      result.test = "McNemar";
      return;
    }
    const auto flips = sign_flip_test(differences, {resampling.seed, kSignFlips, resampling.threads});
    result.p = flips.p;
    result.test = flips.draws == 0 ? "sign flips" : concat("sign flips (", flips.draws, " draws)");
  }

  static void set_interval(MetricComparison& result, const BootstrapInterval& interval, double scale) {
    result.low = scale * interval.low;
    result.high = scale * interval.high;
    result.smallest_significant = 1.96 * scale * interval.sd;
    result.found_in_80 = 2.80 * scale * interval.sd;
  }

  static void set_power(MetricComparison& result) {
    const auto discordant = static_cast<double>(*result.baseline_only + *result.arm_only);
    const auto line = power_line(result.queries, discordant / static_cast<double>(result.queries));
    result.smallest_significant = line.smallest_significant;
    result.found_in_80 = line.found_in_80;
  }

  std::vector<ComparedMetric> metrics_;
  ComparedQuestions questions_;
  std::vector<ArmColumns> columns_;  // of the arms
};

// Refuses what cannot be compared; the sentence names the run and the field.
void check_signatures(const std::vector<ComparedArm>& arms, const ComparedRun& first) {
  const auto results = [](const ComparedRun& run) { return (run.folder / "results.json").string(); };
  for (const auto& arm : arms) {
    GLINT_CHECK(!arm.runs.empty(), "arm '", arm.name, "' has no run");
    for (const auto& run : arm.runs) {
      if (const auto unlike = incomparable_field(first.signature, run.signature))
        throw Error(results(run), ": its signature has ", unlike->field, ":", unlike->b, ", that of ", results(first),
                    " has ", unlike->field, ":", unlike->a, "; evaluate both in the same way to compare them");
      const auto settings = differing_settings(arm.runs.front().signature, run.signature);
      if (!settings.empty() && settings.front().field != "glint")
        throw Error(results(run), ": has ", settings.front().field, ":", settings.front().b, ", another run of arm '",
                    arm.name, "' has ", settings.front().field, ":", settings.front().a,
                    "; the runs of an arm must be evaluated in the same way");
    }
  }
}

std::vector<double> corrected(const std::vector<double>& p, Correction correction) {
  if (correction == Correction::kHolm) return holm(p);
  return correction == Correction::kBenjaminiHochberg ? benjamini_hochberg(p) : p;
}

}  // namespace

ComparedRun read_compared_run(const std::filesystem::path& folder) {
  ComparedRun run{folder, read_signature(folder / "results.json"), read_ranks(folder)};
  const auto refuse = [&](const char* field, const auto& told, const auto& found) {
    throw Error((folder / "results.json").string(), ": its signature has ", field, ":", told,
                ", queries.jsonl and gallery.jsonl beside it make ", field, ":", found, "; evaluate again");
  };
  const auto ids = signature_ids(run.ranks);
  const auto queries = static_cast<std::int64_t>(run.ranks.queries.size());
  const auto gallery = static_cast<std::int64_t>(run.ranks.gallery.size());
  if (run.signature.queries != queries) refuse("q", run.signature.queries, queries);
  if (run.signature.gallery != gallery) refuse("g", run.signature.gallery, gallery);
  if (run.signature.ids != ids) refuse("ids", run.signature.ids, ids);
  return run;
}

std::vector<std::string> default_comparison_metrics(const std::vector<ComparedArm>& arms) {
  std::vector<std::string> names;
  for (const std::string direction : {"t2v/", "v2t/"}) {
    for (const char* metric : {"R@1", "R@5", "R@10", "MnR", "MRR", "nDCG@10"}) {
      const auto parsed = parse_metric(direction + metric);
      const bool is_there = std::all_of(arms.begin(), arms.end(), [&](const ComparedArm& arm) {
        return std::all_of(arm.runs.begin(), arm.runs.end(),
                           [&](const ComparedRun& run) { return has_values(run, parsed); });
      });
      if (is_there) names.push_back(parsed.name);
    }
  }
  return names;
}

std::vector<ArmComparison> compare_arms(const std::vector<ComparedArm>& arms, std::size_t baseline,
                                        const ComparisonOptions& options) {
  GLINT_CHECK(baseline < arms.size() && arms.size() > 1, "baseline ", baseline, " of ", arms.size(), " arms");
  const auto& first = arms[baseline].runs.front();
  check_signatures(arms, first);
  std::vector<ArmComparison> comparisons;
  for (std::size_t arm = 0; arm < arms.size(); ++arm) {
    const bool is_known = std::min(arms[arm].runs.size(), arms[baseline].runs.size()) >= kSeedsForNoise;
    if (arm != baseline) comparisons.push_back({arms[arm].name, is_known, {}});
  }
  const auto names = options.metrics.empty() ? default_comparison_metrics(arms) : options.metrics;
  for (const bool is_t2v : {true, false}) {
    std::vector<ComparedMetric> metrics;
    for (const auto& name : names) {
      const auto metric = parse_metric(name);
      if (metric.is_t2v == is_t2v) metrics.push_back(metric);
    }
    if (metrics.empty()) continue;
    const DirectionTable table(arms, first, is_t2v, metrics);
    std::size_t next = 0;
    for (std::size_t arm = 0; arm < arms.size(); ++arm) {
      if (arm == baseline) continue;
      auto found = table.compare(baseline, arm, options.resampling);
      auto& all = comparisons[next++].metrics;
      all.insert(all.end(), found.begin(), found.end());
    }
  }
  for (std::size_t m = 0; m < comparisons.front().metrics.size(); ++m) {
    std::vector<double> p;
    for (const auto& comparison : comparisons) p.push_back(comparison.metrics[m].p);
    const auto adjusted = corrected(p, options.correction);
    for (std::size_t i = 0; i < p.size(); ++i) comparisons[i].metrics[m].adjusted_p = adjusted[i];
  }
  return comparisons;
}

}  // namespace glint
