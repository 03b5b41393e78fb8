#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/eval/metrics.h"
#include "glint/eval/postprocess.h"
#include "parity/parity.h"
#include "support/reference_ranks.h"

namespace glint::test {
namespace {

using nlohmann::json;
using RankList = std::vector<double>;

enum class Median { kMiddle, kLower };  // of an even count: the mean of the middle two, or the lower one (torch.median)

torch::Tensor same_index(const torch::Tensor& scores) {
  return torch::arange(scores.size(0), torch::kInt64);
}
RankList text_ranks(const torch::Tensor& scores) {
  return text_to_video_ranks(scores, same_index(scores), Ties::kOptimistic);
}
RankList video_ranks(const torch::Tensor& scores) {
  return video_to_text_ranks(scores, same_index(scores), Ties::kOptimistic);
}

double lower_median(RankList ranks) {
  std::sort(ranks.begin(), ranks.end());
  return ranks.at((ranks.size() - 1) / 2);
}

double standard_deviation(const RankList& ranks, double mean) {
  double sum = 0;
  for (const double rank : ranks) sum += (rank - mean) * (rank - mean);
  return std::sqrt(sum / static_cast<double>(ranks.size()));
}

// Every number under `want` against the summary of the ranks, and the ranks themselves where they are listed.
void compare_summary(CaseReport& report, const std::string& name, const RankList& ranks, const json& want,
                     Median median = Median::kMiddle) {
  const double atol = median == Median::kLower ? 1e-4 : 1e-9;  // the torch form computes percents in float32
  const auto ours = summarise(ranks);
  const double median_rank = median == Median::kLower ? lower_median(ranks) + 1 : ours.median_rank;
  const std::map<std::string, double> numbers = {
      {"R1", ours.r1},         {"R5", ours.r5},
      {"R10", ours.r10},       {"R50", ours.r50},
      {"MR", median_rank},     {"MedianR", median_rank},
      {"MdR", median_rank},    {"MeanR", ours.mean_rank},
      {"MnR", ours.mean_rank}, {"Std_Rank", standard_deviation(ranks, ours.mean_rank - 1)}};
  for (const auto& [key, value] : want.items()) {
    const auto full = concat(name, ".", key);
    if (key == "cols" || key == "ranks") {
      report.require(value.get<RankList>() == ranks, full + " differ");
    } else if (const auto number = numbers.find(key); number != numbers.end()) {
      report.compare(full, number->second, value.get<double>(), atol);
    } else {
      report.require(false, "the check does not know " + full);
    }
  }
}

// A square matrix with the published ranks, the plain ones and those that share a tie.
void check_square(CaseReport& report, const std::string& name, const torch::Tensor& scores, const json& want) {
  std::map<std::string, RankList> ranks;
  ranks["reference_t2v"] = reference_ranks(scores, NanOrder::kLast);
  ranks["reference_v2t"] = reference_ranks(scores.t(), NanOrder::kLast);
  ranks["plain_t2v"] = text_ranks(scores);
  ranks["plain_v2t"] = video_ranks(scores);
  ranks["tie_average_t2v"] = text_to_video_ranks(scores, same_index(scores), Ties::kAverage);
  ranks["tie_average_v2t"] = video_to_text_ranks(scores, same_index(scores), Ties::kAverage);
  for (const auto& [key, value] : want.items()) {
    const auto full = concat(name, ".", key);
    if (key.rfind("ranks_", 0) == 0) {
      report.require(value.get<RankList>() == ranks.at(key.substr(6)), full + " differ");
    } else {
      compare_summary(report, full, ranks.at(key), value);
    }
  }
}

// The published functions leave rows out; ours refuse the matrix.
void check_nonfinite(CaseReport& report, const torch::Tensor& scores, const json& want) {
  for (const auto& [key, value] : want.items()) {
    const auto order = key.rfind("glscl", 0) == 0 ? NanOrder::kFirst : NanOrder::kLast;
    compare_summary(report, "nonfinite." + key, reference_ranks(key.ends_with("v2t") ? scores.t() : scores, order),
                    value);
  }
  const bool is_sound = !scores.isnan().any().item<bool>() && scores.diagonal().isfinite().all().item<bool>();
  const auto refuses = [&](const auto& ranks) {
    try {
      ranks(scores);
      return false;
    } catch (const Error&) {
      return true;
    }
  };
  report.require(refuses(text_ranks) != is_sound, "text_to_video_ranks judges the non-finite matrix wrongly");
  report.require(refuses(video_ranks) != is_sound, "video_to_text_ranks judges the non-finite matrix wrongly");
}

void check_multi(CaseReport& report, const GoldenCase& golden, const json& want) {
  const auto& scores = golden.input("multi.S");       // [A, B]
  const auto& counts = golden.input("multi.counts");  // [B]
  const auto owner = torch::repeat_interleave(counts);
  report.require(torch::equal(counts.cumsum(0), golden.input("multi.cut_off_points")),
                 "multi.cut_off_points are not the counts' sums");
  for (const auto& [key, value] : want.items()) {
    if (key == "t2v") {
      compare_summary(report, "multi.t2v", text_to_video_ranks(scores, owner, Ties::kOptimistic), value,
                      Median::kLower);
    } else if (key == "v2t") {
      compare_summary(report, "multi.v2t", video_to_text_ranks(scores, owner, Ties::kOptimistic), value);
    } else {
      report.require(key == "note", "the check does not know multi." + key);
    }
  }
}

void check_dual_softmax(CaseReport& report, const GoldenCase& golden, const json& want) {
  const auto& scores = golden.input("random");  // [A, B]
  const auto tau = want.at("tau").get<double>();
  const auto t2v = dual_softmax(scores, tau);      // [A, B]
  const auto v2t = dual_softmax(scores.t(), tau);  // [B, A]
  const auto ts2net = t2v * tau;                   // its form on logits
  report.compare("dsl_t2v", t2v, golden.want("dsl_t2v"), golden.atol("dsl_t2v"));
  report.compare("dsl_v2t", v2t.t(), golden.want("dsl_v2t"), golden.atol("dsl_v2t"));
  report.compare("dsl_ts2net", ts2net, golden.want("dsl_ts2net"), golden.atol("dsl_ts2net"));
  const std::map<std::string, RankList> ranks = {{"t2v", text_ranks(t2v)},
                                                 {"v2t", text_ranks(v2t)},
                                                 {"ts2net_t2v", text_ranks(ts2net)},
                                                 {"ts2net_v2t", video_ranks(ts2net)}};
  for (const auto& [key, value] : want.items()) {
    if (key != "tau") compare_summary(report, "dsl." + key, ranks.at(key), value);
  }
}

// One direction: the matrix, its ranks, and that exactly the rows whose best answer is a listed hub were changed.
void check_qb_direction(CaseReport& report, const GoldenCase& golden, const std::string& name,
                        const std::string& direction, const torch::Tensor& scores, const torch::Tensor& train,
                        const json& want) {
  const auto result = qb_norm(scores, train, want.at("beta").get<double>(), want.at("k").get<int64_t>(),
                              want.at("theta_" + direction).get<int64_t>());
  const auto full = name + "_" + direction;
  report.compare(full, result, golden.want(full), golden.atol(full));
  compare_summary(report, full, text_ranks(result), want.at(direction));
  const auto hubs = want.at("hubs_" + direction).get<std::set<int64_t>>();
  for (int64_t i = 0; i < scores.size(0); ++i) {
    const bool is_hub = hubs.count(scores[i].argmax().item<int64_t>()) != 0;
    const bool is_changed = !torch::equal(result[i], scores[i].to(torch::kFloat64));
    report.require(is_hub == is_changed, concat(full, ": row ", i, " is ", is_changed ? "" : "not ", "normalised"));
  }
}

void check_qb_norm(CaseReport& report, const GoldenCase& golden, const std::string& name, const json& want) {
  const auto& scores = golden.input("random");
  check_qb_direction(report, golden, name, "t2v", scores, golden.input("qb.train_text_x_test_video"), want);
  check_qb_direction(report, golden, name, "v2t", scores.t(), golden.input("qb.train_video_x_test_text"), want);
  const std::set<std::string> known = {"k", "beta", "theta_t2v", "theta_v2t", "hubs_t2v", "hubs_v2t", "t2v", "v2t"};
  for (const auto& [key, value] : want.items()) {
    report.require(known.count(key) != 0, concat("the check does not know ", name, ".", key));
  }
}

}  // namespace

CaseReport check_metrics(const GoldenCase& golden) {
  CaseReport report;
  const auto results = json::parse(read_file(golden.folder / golden.json.value("results_file", "results.json")));
  for (const auto& [name, want] : results.items()) {
    if (name == "nonfinite") {
      check_nonfinite(report, golden.input(name), want);
    } else if (name == "multi") {
      check_multi(report, golden, want);
    } else if (name == "dsl") {
      check_dual_softmax(report, golden, want);
    } else if (name.rfind("qb_", 0) == 0) {
      check_qb_norm(report, golden, name, want);
    } else {
      check_square(report, name, golden.input(name), want);
    }
  }
  return report;
}

}  // namespace glint::test
