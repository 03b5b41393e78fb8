#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/eval/statistics.h"
#include "glint/io/safetensors.h"
#include "parity/parity.h"

namespace glint::test {
namespace {

using nlohmann::json;
using Column = std::vector<double>;  // a value a query, or a unit

constexpr double kExact = 1e-9;      // relative
constexpr double kAdjusted = 1e-12;  // adjusted p
constexpr double kPower80 = 0.001;   // points
constexpr double kPower = 1e-7;
constexpr double kSdOfSd = 0.055;  // of a bootstrap's own standard deviation: 5 standard errors and more

Column column_of(const torch::Tensor& tensor) {
  const auto plain = tensor.to(torch::kFloat64).contiguous();
  return {plain.const_data_ptr<double>(), plain.const_data_ptr<double>() + plain.numel()};
}

// A metric's value of each 0-based rank, without the percent of R@k.
Column metric_values(const std::string& metric, const Column& ranks) {
  Column values;
  for (const double rank : ranks) {
    if (metric.rfind("R@", 0) == 0) {
      values.push_back(rank < std::stod(metric.substr(2)));
    } else if (metric == "MnR") {
      values.push_back(rank + 1);
    } else if (metric == "MRR") {
      values.push_back(1 / (1 + rank));
    } else if (metric == "nDCG@10") {
      values.push_back(rank < 10 ? 1 / std::log2(2 + rank) : 0);
    } else {
      throw Error("the check does not know the metric ", metric);
    }
  }
  return values;
}

double scale_of(const std::string& metric) {
  return metric.rfind("R@", 0) == 0 ? 100 : 1;
}

Column minus(Column b, const Column& a) {
  for (std::size_t i = 0; i < b.size(); ++i) b[i] -= a.at(i);
  return b;
}

double mean_of(const Column& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

class SignificanceCheck {
 public:
  // In the files' own float64: a golden case comes as float32, which is less than these numbers are held to.
  SignificanceCheck(const GoldenCase& golden, CaseReport& report)
      : inputs_(read_safetensors(golden.folder / "inputs.safetensors").tensors),
        expected_(read_safetensors(golden.folder / "expected.safetensors").tensors),
        report_(report) {}

  void run(const json& results) {
    for (const auto& [name, want] : results.items()) {
      if (name == "square" || name == "small") {
        square(name, want);
      } else if (name == "multi") {
        multi(want);
      } else if (name == "mcnemar_table") {
        for (const auto& row : want) mcnemar_row(row);
      } else if (name == "seeds") {
        seeds(want);
      } else if (name == "power") {
        for (const auto& row : want) power(row);
      } else if (name == "power_curve") {
        for (const auto& row : want) power_curve(row);
      } else {
        unknown(name);
      }
    }
    adjusted();
  }

 private:
  const torch::Tensor& input(const std::string& name) const { return find(inputs_, name); }
  const torch::Tensor& expected(const std::string& name) const { return find(expected_, name); }
  static const torch::Tensor& find(const TensorMap& tensors, const std::string& name) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) throw Error("the case has no tensor ", name);
    return found->second;
  }
  Column ranks(const std::string& set, const std::string& system) const {
    return column_of(input(set + ".ranks_" + system));
  }
  void unknown(const std::string& name) { report_.require(false, "the check does not know " + name); }
  void exact(const std::string& name, double ours, const json& want) {
    const double value = want.get<double>();
    report_.compare(name, ours, value, kExact * std::max(1e-12, std::abs(value)));
  }
  // A difference of nearly equal numbers has their rounding.
  void exact_difference(const std::string& name, double ours, const json& want, double size) {
    report_.compare(name, ours, want.get<double>(),
                    kExact * std::max({std::abs(want.get<double>()), 1e-3 * size, 1e-12}));
  }

  void bootstrap(const std::string& name, const BootstrapInterval& ours, double scale, const json& want) {
    const auto tolerance = want.at("tolerance_mean").get<double>();
    const auto edge = want.at("tolerance_low_high").get<double>();
    const auto sd = want.at("sd").get<double>();
    report_.compare(name + ".mean", scale * ours.mean, want.at("mean").get<double>(), tolerance);
    report_.compare(name + ".low", scale * ours.low, want.at("low").get<double>(), edge);
    report_.compare(name + ".high", scale * ours.high, want.at("high").get<double>(), edge);
    report_.compare(name + ".sd", scale * ours.sd, sd, kSdOfSd * sd);
  }

  // `random`: the tolerance of a p that is itself a sample, where the case has one.
  void sign_flips(const std::string& name, const Column& differences, const json& want, double random = 0) {
    const auto ours = sign_flip_test(differences);
    const auto p = want.get<double>();
    const auto draws = static_cast<double>(ours.draws);
    const double sampled = ours.draws == 0 ? 0 : 5 * std::sqrt(p * (1 - p) / draws) + 1 / draws;
    report_.compare(name, ours.p, p, std::max({random, sampled, kExact * p}));
  }

  void mcnemar(const std::string& name, const Column& a, const Column& b, const json& want) {
    std::int64_t counts[2][2] = {};  // [right in A][right in B]
    for (std::size_t i = 0; i < a.size(); ++i) ++counts[a[i] > 0][b[i] > 0];
    exact(name + ".a_only", static_cast<double>(counts[1][0]), want.at("a_only"));
    exact(name + ".b_only", static_cast<double>(counts[0][1]), want.at("b_only"));
    exact(name + ".both", static_cast<double>(counts[1][1]), want.at("both"));
    exact(name + ".neither", static_cast<double>(counts[0][0]), want.at("neither"));
    exact(name + ".p", mcnemar_p(counts[1][0], counts[0][1]), want.at("p"));
  }
  void mcnemar_row(const json& want) {
    exact(concat("mcnemar_table ", want.dump()), mcnemar_p(want.at("a_only"), want.at("b_only")), want.at("p"));
  }

  // One metric where every query is a unit.
  void square_metric(const std::string& name, const std::string& metric, const json& want, const Column& a,
                     const Column& b) {
    const double scale = scale_of(metric);
    const auto differences = minus(b, a);
    for (const auto& [key, value] : want.items()) {
      const auto full = concat(name, ".", key);
      if (key == "a") {
        exact(full, scale * mean_of(a), value);
      } else if (key == "b") {
        exact(full, scale * mean_of(b), value);
      } else if (key == "difference") {
        exact_difference(full, scale * (mean_of(b) - mean_of(a)), value, scale * mean_of(b));
      } else if (key == "mcnemar") {
        mcnemar(full, a, b, value);
      } else if (key == "bootstrap") {
        bootstrap(full, paired_bootstrap({differences}, Column(a.size(), 1)).front(), scale, value);
      } else if (key == "signflip_p_exact" || key == "p_exact") {
        sign_flips(full, differences, value);
      } else if (key == "signflip_p") {
        sign_flips(full, differences, value, want.at("signflip_tolerance").get<double>());
      } else if (key == "signflips") {
        exact(full, std::exp2(static_cast<double>(a.size())), value);
      } else if (key == "signflips_at_least_as_large") {
        exact(full, sign_flip_test(differences).p * std::exp2(static_cast<double>(a.size())), value);
      } else if (key != "signflip_tolerance") {
        unknown(full);
      }
    }
  }

  void square(const std::string& set, const json& want) {
    const auto ranks_a = ranks(set, "a"), ranks_b = ranks(set, "b");
    for (const auto& [metric, numbers] : want.items()) {
      const auto name = concat(set, ".", metric);
      if (metric == "queries") {
        exact(name, static_cast<double>(ranks_a.size()), numbers);
      } else {
        square_metric(name, metric, numbers, metric_values(metric, ranks_a), metric_values(metric, ranks_b));
      }
    }
  }

  // Sums of the captions' values of each video.
  Column by_video(const Column& values) const {
    Column sums(videos_);
    for (std::size_t i = 0; i < values.size(); ++i) sums[owner_[i]] += values[i];
    return sums;
  }

  void cluster_sums() {
    for (const auto& [name, tensor] : expected_) {
      const std::string prefix = "multi.cluster.";
      if (name.rfind(prefix, 0) != 0) continue;
      const auto key = name.substr(prefix.size());
      const auto system = key.substr(key.size() - 1);
      const auto kind = key.substr(0, key.rfind('_'));
      auto values = Column(owner_.size(), 1);
      if (key != "count") {
        const auto metric = kind == "rank"              ? "MnR"
                            : kind == "reciprocal_rank" ? "MRR"
                            : kind == "ndcg10"          ? "nDCG@10"
                                                        : "R@" + kind.substr(4);  // hits5
        values = metric_values(metric, ranks("multi", system));
      }
      const auto ours = by_video(values), theirs = column_of(tensor);
      report_.require(ours.size() == theirs.size(), name + " has another number of videos");
      for (std::size_t v = 0; v < std::min(ours.size(), theirs.size()); ++v)
        report_.compare(name, ours[v], theirs[v], kExact * std::max(1.0, std::abs(theirs[v])));
    }
  }

  void multi_metric(const std::string& name, const std::string& metric, const json& want, const Column& a,
                    const Column& b) {
    const double scale = scale_of(metric);
    const auto captions = minus(b, a);
    const auto videos = by_video(captions);
    for (const auto& [key, value] : want.items()) {
      const auto full = concat(name, ".", key);
      if (key == "mcnemar_per_caption_not_valid") {
        mcnemar(full, a, b, value);
      } else if (key == "cluster_signflip_p_exact") {
        sign_flips(full, videos, value);
      } else if (key == "cluster_signflip_p") {
        sign_flips(full, videos, value, want.at("signflip_tolerance").get<double>());
      } else if (key == "cluster_bootstrap") {
        bootstrap(full, paired_bootstrap({videos}, by_video(Column(a.size(), 1))).front(), scale, value);
      } else if (key == "per_caption_bootstrap_sd_not_valid") {
        const auto sd = paired_bootstrap({captions}, Column(a.size(), 1)).front().sd;
        report_.compare(full, scale * sd, value.get<double>(), kSdOfSd * value.get<double>());
      } else {
        square_metric(name, metric, {{key, value}}, a, b);
      }
    }
  }

  void multi(const json& want) {
    for (const double video : column_of(input("multi.video_of_text")))
      owner_.push_back(static_cast<std::size_t>(video));
    videos_ = owner_.empty() ? 0 : *std::max_element(owner_.begin(), owner_.end()) + 1;
    cluster_sums();
    const auto ranks_a = ranks("multi", "a"), ranks_b = ranks("multi", "b");
    for (const auto& [metric, numbers] : want.items()) {
      const auto name = "multi." + metric;
      if (metric == "captions") {
        exact(name, static_cast<double>(owner_.size()), numbers);
      } else if (metric == "videos") {
        exact(name, static_cast<double>(videos_), numbers);
      } else {
        multi_metric(name, metric, numbers, metric_values(metric, ranks_a), metric_values(metric, ranks_b));
      }
    }
  }

  // [seeds][1 column][queries]
  std::vector<UnitColumns> seed_columns(const std::string& metric, const std::string& system) const {
    std::vector<UnitColumns> columns;
    for (const auto& of_seed : input("seeds.ranks_" + system).unbind())
      columns.push_back({metric_values(metric, column_of(of_seed))});
    return columns;
  }

  void per_seed(const std::string& name, const std::string& metric, const std::string& system, const json& want) {
    Column means;
    for (const auto& columns : seed_columns(metric, system)) means.push_back(scale_of(metric) * mean_of(columns[0]));
    const double mean = mean_of(means);
    double squares = 0;
    for (const double value : means) squares += (value - mean) * (value - mean);
    exact(concat(name, ".", system, "_mean"), mean, want.at(system + "_mean"));
    exact(concat(name, ".", system, "_sd"), std::sqrt(squares / static_cast<double>(means.size() - 1)),
          want.at(system + "_sd"));
    const auto theirs = want.at(system + "_per_seed").get<Column>();
    report_.require(theirs.size() == means.size(), name + " has another number of seeds");
    for (std::size_t s = 0; s < std::min(theirs.size(), means.size()); ++s)
      exact(concat(name, ".", system, "_per_seed"), means[s], theirs[s]);
    means_[system] = mean;
  }

  void seeds(const json& want) {
    const std::set<std::string> known = {"a_per_seed", "b_per_seed", "a_mean",    "a_sd", "b_mean",
                                         "b_sd",       "difference", "bootstrap", "p",    "p_tolerance"};
    for (const auto& [metric, numbers] : want.items()) {
      const auto name = "seeds." + metric;
      const auto a = seed_columns(metric, "a"), b = seed_columns(metric, "b");
      per_seed(name, metric, "a", numbers);
      per_seed(name, metric, "b", numbers);
      exact_difference(name + ".difference", means_["b"] - means_["a"], numbers.at("difference"), means_["b"]);
      const auto ours = seed_bootstrap(a, b, Column(a[0][0].size(), 1)).front();
      bootstrap(name + ".bootstrap", ours.interval, scale_of(metric), numbers.at("bootstrap"));
      report_.compare(name + ".p", ours.p, numbers.at("p").get<double>(), numbers.at("p_tolerance").get<double>());
      for (const auto& [key, value] : numbers.items()) {
        if (known.count(key) == 0) unknown(concat(name, ".", key));
      }
    }
  }

  void power(const json& want) {
    const auto queries = want.at("N").get<std::int64_t>();
    const auto share = want.at("discordant_share").get<double>();
    const auto name = concat("power ", queries, " ", share, ".");
    const auto line = power_line(queries, share);
    const auto critical = mcnemar_critical(line.discordant);
    report_.require(critical && line.smallest_significant && line.found_in_80 && line.found_in_80_by_normal,
                    name + " has no smallest difference");
    if (!critical || !line.smallest_significant || !line.found_in_80 || !line.found_in_80_by_normal) return;
    for (const auto& [key, value] : want.items()) {
      if (key == "discordant") {
        exact(name + key, static_cast<double>(line.discordant), value);
      } else if (key == "smallest_significant_counts") {
        exact(name + key, static_cast<double>(*critical), value.at(0));
        exact(name + key, static_cast<double>(line.discordant - *critical), value.at(1));
      } else if (key == "smallest_significant_points") {
        exact(name + key, *line.smallest_significant, value);
      } else if (key == "normal_points") {
        exact(name + key, line.normal_rule, value);
      } else if (key == "power80_normal_points") {
        exact(name + key, *line.found_in_80_by_normal, value);
      } else if (key == "power80_exact_points") {
        report_.compare(name + key, *line.found_in_80, value.get<double>(), kPower80);
      } else if (key == "power_at_smallest_significant") {
        report_.compare(name + key, mcnemar_power(queries, share, *line.smallest_significant / 100),
                        value.get<double>(), kPower);
      } else if (key != "N" && key != "discordant_share") {
        unknown(name + key);
      }
    }
  }

  void power_curve(const json& want) {
    const auto ours =
        mcnemar_power(want.at("N"), want.at("discordant_share"), want.at("difference_points").get<double>() / 100);
    report_.compare("power_curve " + want.dump(), ours, want.at("power").get<double>(), kPower);
  }

  void adjusted() {
    for (const auto& [name, tensor] : inputs_) {
      if (name.rfind("p.", 0) != 0) continue;
      const auto p = column_of(tensor);
      report_.compare(name + ".holm", torch::tensor(holm(p), torch::kFloat64), expected(name + ".holm"), kAdjusted);
      report_.compare(name + ".bh", torch::tensor(benjamini_hochberg(p), torch::kFloat64), expected(name + ".bh"),
                      kAdjusted);
    }
  }

  TensorMap inputs_, expected_;
  CaseReport& report_;
  std::vector<std::size_t> owner_;  // of each caption
  std::size_t videos_ = 0;
  std::map<std::string, double> means_;  // over seeds, of each system
};

}  // namespace

CaseReport check_significance(const GoldenCase& golden) {
  CaseReport report;
  const auto results = json::parse(read_file(golden.folder / golden.json.value("results_file", "results.json")));
  SignificanceCheck(golden, report).run(results);
  return report;
}

}  // namespace glint::test
