#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/eval/judged_metrics.h"
#include "glint/eval/metrics.h"
#include "glint/eval/postprocess.h"
#include "glint/io/safetensors.h"
#include "parity/parity.h"

// Matrices are compared as published, made here from the library's biases; ranks come from the library's transforms.

namespace glint::test {
namespace {

using nlohmann::json;
using torch::Tensor;

// A method's published matrices [texts, videos] (undefined where the release has none) and what ranks with it.
struct Method {
  Tensor t2v;
  Tensor v2t;
  DirectionTransforms transforms;
  bool has_v2t = true;
};

// One set of scores with its banks.
struct ScoreSet {
  std::string name;
  Tensor scores;         // [A, B]
  Tensor video_of_text;  // [A]
  Tensor train_texts;    // [M, B]
  Tensor train_videos;   // [N, A]
  Tensor train_pairs;    // [M, N], or undefined

  DirectionBanks banks() const { return {bank_of(train_texts), bank_of(train_videos)}; }
  Tensor exact() const { return scores.to(torch::kFloat64); }
  int64_t texts() const { return scores.size(0); }
  int64_t videos() const { return scores.size(1); }
};

Tensor softmax_biases(const Tensor& bank, double beta) {
  SoftmaxBias bias(bank.size(1), beta);
  bias.add(bank);
  return bias.biases();
}

Tensor nearest_means(const Tensor& bank, int64_t k) {
  NearestMean nearest(bank.size(1), k);
  nearest.add(bank);
  return nearest.means();
}

SinkhornScaling sinkhorn(const Tensor& bank, int64_t rounds, const std::optional<Tensor>& start = std::nullopt) {
  SinkhornScaling scaling(bank.size(1), 0.01, start);
  for (int64_t round = 0; round < rounds; ++round) {
    for (int64_t first = 0; first < bank.size(0); first += 7) scaling.add(bank.slice(0, first, first + 7));
    scaling.end_round();
  }
  return scaling;
}

class PostprocessCheck {
 public:
  explicit PostprocessCheck(const GoldenCase& golden)
      : golden_(golden),
        want_(read_safetensors(golden.folder / "expected.safetensors").tensors),
        results_(json::parse(read_file(golden.folder / "results.json"))) {}

  CaseReport run() {
    for (const std::string name : {"square", "multi"}) {
      if (golden_.inputs.count(name + ".S") != 0) check_set(read_set(name));
    }
    if (golden_.inputs.count("qrels.S") != 0) check_qrels();
    for (const auto& [name, tensor] : want_)
      report_.require(seen_.count(name) != 0, "nothing was compared with " + name);
    for (const auto& [name, value] : results_.items()) {
      report_.require(seen_.count("results:" + name) != 0, "nothing was compared with " + name + " of results.json");
    }
    return report_;
  }

 private:
  ScoreSet read_set(const std::string& name) const {
    ScoreSet set{name,
                 golden_.input(name + ".S"),
                 {},
                 golden_.input(name + ".train_text_x_video"),
                 golden_.input(name + ".train_video_x_text"),
                 {}};
    const auto owners = golden_.inputs.find(name + ".video_of_text");
    set.video_of_text = owners == golden_.inputs.end() ? torch::arange(set.texts(), torch::kInt64) : owners->second;
    const auto pairs = golden_.inputs.find(name + ".train_text_x_train_video");
    if (pairs != golden_.inputs.end()) set.train_pairs = pairs->second;
    return set;
  }

  void check_set(const ScoreSet& set) {
    check_method(set, "plain", {{}, {}, {}, true});
    check_dsl(set);
    check_inverted_softmax(set);
    check_qb_norm(set, "qb", {20, 1, 1, std::nullopt});
    check_qb_norm(set, "qb_theta", {70, 1, 3, 5});
    check_nnn(set, "nnn", {128, 0.75});
    check_nnn(set, "nnn_k16", {16, 0.5});
    check_sinkhorn(set);
    const auto k = CslsSettings{}.k;
    const auto rows = nearest_means(set.scores.t(), k), columns = nearest_means(set.scores, k);  // [A], [B]
    const auto csls = set.exact() * 2 - rows.unsqueeze(1) - columns;                             // [A, B]
    check_method(set, "csls", {csls, csls, prepare_postprocess(CslsSettings{}, set.scores)});
  }

  void check_dsl(const ScoreSet& set) {
    for (const double tau : {100.0, 20.0, 1.0}) {
      const auto name = concat("dsl_tau", tau);
      const auto transforms = prepare_postprocess(DslSettings{tau}, set.scores);
      check_method(set, name, {dual_softmax(set.scores, tau), dual_softmax(set.scores.t(), tau).t(), transforms});
      if (tau == 1) continue;
      compare(concat(set.name, ".", name, "_log.t2v"), log_dual_softmax(set.scores, tau));
      compare(concat(set.name, ".", name, "_log.v2t"), log_dual_softmax(set.scores.t(), tau).t());
    }
    const auto shared = dual_softmax(set.scores, DslSharedSettings{}.tau);
    const auto transforms = prepare_postprocess(DslSharedSettings{}, set.scores);
    check_method(set, "dsl_shared", {shared, shared, transforms});
    check_method(set, "dsl_shared_logits", {shared * 100, shared * 100, transforms});
  }

  void check_inverted_softmax(const ScoreSet& set) {
    for (const bool is_test : {true, false}) {
      const auto banks = is_test ? DirectionBanks{} : set.banks();
      const auto t2v_bank = is_test ? set.scores : set.train_texts;
      const auto v2t_bank = is_test ? set.scores.t() : set.train_videos;
      for (const double beta : {20.0, 100.0}) {
        const bool is_log = beta == 100;
        auto t2v = set.exact() - softmax_biases(t2v_bank, beta);
        auto v2t = set.exact() - softmax_biases(v2t_bank, beta).unsqueeze(1);
        if (!is_log) t2v = (t2v * beta).exp(), v2t = (v2t * beta).exp();
        const auto name = concat(is_log ? "is_log_" : "is_", is_test ? "test" : "bank");
        check_method(set, name, {t2v, v2t, prepare_postprocess(InvertedSoftmaxSettings{beta}, set.scores, banks)});
      }
    }
  }

  void check_qb_norm(const ScoreSet& set, const std::string& name, const QbNormSettings& c) {
    const auto theta_v2t = c.theta_v2t.value_or(c.theta);
    const auto transforms = prepare_postprocess(c, set.scores, set.banks());
    const Method method{qb_norm(set.scores, set.train_texts, c.beta, c.k, c.theta),
                        qb_norm(set.scores.t(), set.train_videos, c.beta, c.k, theta_v2t).t(), transforms};
    check_method(set, name, method);
    check_hubs(concat(set.name, ".", name, ".t2v"), set.scores, set.train_texts, transforms.t2v, c.k, c.theta);
    check_hubs(concat(set.name, ".", name, ".v2t"), set.scores.t(), set.train_videos, transforms.v2t, c.k, theta_v2t);
  }

  // `rows`: the scores of queries [Q, G].
  void check_hubs(const std::string& key, const Tensor& rows, const Tensor& bank, const QueryTransform& transform,
                  int64_t k, int64_t theta) {
    HubCounter counter(bank.size(1), k);
    counter.add(bank);
    require_equal(key + ".hubs", counter.hits() >= theta);
    const auto is_changed = (transform(rows, 0) != rows.to(torch::kFloat64)).any(/*dim=*/1);  // [Q]
    require_equal(key + ".rows", is_changed);
  }

  void check_nnn(const ScoreSet& set, const std::string& name, const NnnSettings& c) {
    const auto videos = nearest_means(set.train_texts, c.k);  // [B]
    const auto texts = nearest_means(set.train_videos, c.k);  // [A]
    compare(concat(set.name, ".", name, ".t2v.bias"), videos);
    compare(concat(set.name, ".", name, ".v2t.bias"), texts);
    check_method(set, name,
                 {set.exact() - videos * c.alpha, set.exact() - texts.unsqueeze(1) * c.alpha,
                  prepare_postprocess(c, set.scores, set.banks())});
  }

  void check_sinkhorn(const ScoreSet& set) {
    const auto test = sinkhorn(set.scores, 5);
    compare(set.name + ".sn_test.bias_video", test.item_biases());
    compare(set.name + ".sn_test.bias_text", test.query_biases());
    check_method(
        set, "sn_test",
        minus(set, test.item_biases(), test.query_biases(), prepare_postprocess(SinkhornSettings{}, set.scores)));
    check_method(set, "sn_bank",
                 minus(set, sinkhorn(set.train_texts, 10).item_biases(), sinkhorn(set.train_videos, 10).item_biases(),
                       prepare_postprocess(SinkhornSettings{}, set.scores, set.banks())));
    if (set.train_pairs.defined()) {  // the dual bank: training items behind the gallery's
      const auto videos = sinkhorn(torch::cat({set.train_texts, set.train_pairs}, 1), 10).item_biases();
      const auto texts = sinkhorn(torch::cat({set.train_videos, set.train_pairs.t()}, 1), 10).item_biases();
      check_method(set, "dbsn", minus(set, videos.slice(0, 0, set.videos()), texts.slice(0, 0, set.texts())));
    }
    // UCoFiA starts from uniform v: u of an inverted softmax.
    const auto start = softmax_biases(set.train_texts, 100) * -100;
    const auto biases = sinkhorn(set.train_texts, 4, start).item_biases();  // [B]
    const auto ucofia = set.exact() * 100 + (biases * -100).log_softmax(/*dim=*/0);
    check_method(set, "sk_ucofia", {ucofia, {}, {subtract_biases(biases), {}}, /*has_v2t=*/false});
  }

  // S less the biases of the videos, and of the texts.
  Method minus(const ScoreSet& set, const Tensor& videos, const Tensor& texts, DirectionTransforms transforms = {}) {
    if (!transforms.t2v) transforms = {subtract_biases(videos), subtract_biases(texts)};
    return {set.exact() - videos, set.exact() - texts.unsqueeze(1), transforms};
  }

  void check_method(const ScoreSet& set, const std::string& name, const Method& method) {
    const auto key = concat(set.name, ".", name);
    if (want_.count(key) != 0) {  // one matrix for both directions
      compare(key, method.t2v);
    } else if (method.t2v.defined()) {
      compare(key + ".t2v", method.t2v);
      if (method.has_v2t) compare(key + ".v2t", method.v2t);
    }
    std::map<std::string, std::map<std::string, double>> sums;  // of both directions
    check_ranks(key + ".t2v", t2v_ranks(set.scores, set.video_of_text, method.transforms.t2v), sums);
    if (!method.has_v2t) return;
    const auto v2t = [&](CaptionRanks among) {
      return v2t_ranks(set.scores, set.video_of_text, among, method.transforms.v2t);
    };
    check_ranks(key + ".v2t", v2t(CaptionRanks::kGroups), sums);
    if (want_.count(key + ".v2t_captions.rank") != 0) {
      std::map<std::string, std::map<std::string, double>> unused;
      check_ranks(key + ".v2t_captions", v2t(CaptionRanks::kCaptions), unused);
    }
    const auto& both = result(key + ".both").at("RSum");
    for (const auto& [ties, value] : both.items()) {
      report_.compare(concat(key, ".both.RSum.", ties), sums[ties]["RSum"], value.get<double>(), 1e-9);
    }
  }

  // Ranks exactly, but for the queries whose order rounding decides; then the metrics, where those have the case's
  // ranks.
  void check_ranks(const std::string& key, Ranks ranks, std::map<std::string, std::map<std::string, double>>& sums) {
    const auto& unsettled = golden_.json.at("unsettled");
    settle(key + ".rank", ranks.rank, unsettled.value(key, json::object()));
    const bool has_average = want_.count(key + ".rank_average") != 0;
    if (has_average) settle(key + ".rank_average", ranks.rank_average, unsettled.value(key, json::object()));
    for (const auto& [ties, value] : result(key).items()) {
      const auto metrics = summarise(ranks, ties == "average" ? Ties::kAverage : Ties::kOptimistic);
      check_metrics(concat(key, ".", ties), numbers_of(metrics), value);
      sums[ties]["RSum"] += metrics.rsum;
    }
  }

  void settle(const std::string& name, std::vector<double>& ranks, const json& unsettled) {
    const auto expected = want(name).to(torch::kFloat64);
    report_.require(expected.size(0) == std::ssize(ranks), concat(name, ": ", ranks.size(), " ranks"));
    if (expected.size(0) != std::ssize(ranks)) return;
    std::string differing;
    for (std::size_t i = 0; i < ranks.size(); ++i) {
      const double rank = expected[static_cast<int64_t>(i)].item<double>();
      const auto range = unsettled.find(std::to_string(i));
      const bool is_right = range == unsettled.end()
                                ? ranks[i] == rank
                                : ranks[i] >= range->at(0).get<double>() && ranks[i] <= range->at(1).get<double>();
      if (!is_right) differing += concat(" ", i, " has ", ranks[i], " and not ", rank);
      if (is_right) ranks[i] = rank;
    }
    report_.require(differing.empty(), concat(name, ": query", differing));
  }

  static std::map<std::string, double> numbers_of(const RetrievalMetrics& m) {
    return {{"R@1", m.r1},          {"R@5", m.r5},
            {"R@10", m.r10},        {"R@50", m.r50},
            {"MdR", m.median_rank}, {"MnR", m.mean_rank},
            {"RSum", m.rsum},       {"MRR", m.mrr},
            {"nDCG@10", m.ndcg10},  {"queries", static_cast<double>(m.queries)}};
  }

  void check_metrics(const std::string& name, const std::map<std::string, double>& numbers, const json& want) {
    for (const auto& [key, value] : want.items()) {
      const auto found = numbers.find(key);
      report_.require(found != numbers.end(), concat("the check does not know ", name, ".", key));
      if (found != numbers.end()) report_.compare(concat(name, ".", key), found->second, value.get<double>(), 1e-9);
    }
  }

  void check_qrels() {
    const auto& scores = golden_.input("qrels.S");  // [queries, items]
    RightAnswers right{std::vector<std::vector<int64_t>>(static_cast<std::size_t>(scores.size(0))), scores.size(1)};
    const auto queries = golden_.input("qrels.query"), items = golden_.input("qrels.item");
    for (int64_t n = 0; n < queries.size(0); ++n) {
      if (golden_.input("qrels.relevance")[n].item<int64_t>() <= 0) continue;
      right.of_query[static_cast<std::size_t>(queries[n].item<int64_t>())].push_back(items[n].item<int64_t>());
    }
    for (auto& of_query : right.of_query) std::sort(of_query.begin(), of_query.end());
    check_judged("t2v", judged_positions(scores, Direction::kTextToVideo, right));
    check_judged("v2t", judged_positions(scores, Direction::kVideoToText, transposed(right)));
  }

  void check_judged(const std::string& direction, const JudgedPositions& judged) {
    const auto key = "qrels." + direction;
    const auto& positions = judged.counted(Ties::kOptimistic);
    std::vector<double> reciprocal, ndcg, precision;
    std::vector<int64_t> first;
    for (const auto& of_query : positions) {
      first.push_back(static_cast<int64_t>(of_query.front()));
      reciprocal.push_back(1 / (1 + of_query.front()));
      ndcg.push_back(ndcg10(of_query));
      precision.push_back(average_precision(of_query));
    }
    require_equal(key + ".asked", torch::tensor(judged.queries, torch::kInt64));
    require_equal(key + ".first_rank", torch::tensor(first, torch::kInt64));
    compare(key + ".reciprocal_rank", torch::tensor(reciprocal, torch::kFloat64));
    compare(key + ".ndcg10", torch::tensor(ndcg, torch::kFloat64));
    compare(key + ".average_precision", torch::tensor(precision, torch::kFloat64));
    const auto metrics = summarise(judged, Ties::kOptimistic);
    auto numbers = numbers_of(metrics);
    numbers["MAP"] = metrics.map;
    numbers["recall@10"] = metrics.recall10;
    numbers["queries_without_a_right_answer"] = static_cast<double>(metrics.not_asked);
    check_metrics(key, numbers, result("qrels.plain." + direction));
  }

  const Tensor& want(const std::string& name) {
    seen_.insert(name);
    const auto found = want_.find(name);
    if (found == want_.end()) throw Error(golden_.name, ": expected.safetensors has no tensor '", name, "'");
    return found->second;
  }

  const json& result(const std::string& name) {
    seen_.insert("results:" + name);
    return results_.at(name);
  }

  // Within the case's absolute tolerance, and its relative one where it has one.
  void compare(const std::string& name, const Tensor& all_ours) {
    const auto& expected = want(name);
    const auto ours = all_ours.dim() == 2 ? kept_rows(name, all_ours) : all_ours;
    report_.compare(name, ours, expected, golden_.atol(name));
    const auto& relative = golden_.json.at("rtol_float64");
    if (!relative.contains(name) || ours.sizes() != expected.sizes()) return;
    const auto scale = torch::where(expected == 0, torch::ones_like(expected), expected);
    report_.compare(name + " (relative)", ours / scale, expected / scale, relative.at(name).get<double>());
  }

  // Of a matrix [A, B] the rows that the case holds (tests/golden/cut_postprocess.py); all of them in a full case.
  Tensor kept_rows(const std::string& name, const Tensor& matrix) const {
    if (!golden_.json.contains("rows_kept")) return matrix;
    const auto& rows = golden_.json.at("rows_kept").at(name.substr(0, name.find('.')));
    return matrix.index_select(0, torch::tensor(rows.get<std::vector<int64_t>>()));
  }

  void require_equal(const std::string& name, const Tensor& ours) {
    report_.require(torch::equal(ours.to(torch::kInt64), want(name).to(torch::kInt64)), name + " differs");
  }

  const GoldenCase& golden_;
  const TensorMap want_;  // in the precision of the file
  const json results_;
  CaseReport report_;
  std::set<std::string> seen_;
};

}  // namespace

CaseReport check_postprocess(const GoldenCase& golden) {
  return PostprocessCheck(golden).run();
}

}  // namespace glint::test
