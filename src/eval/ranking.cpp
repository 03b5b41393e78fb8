#include <torch/torch.h>

#include <algorithm>
#include <map>
#include <utility>

#include "eval/postprocess_settings.h"
#include "glint/core/error.h"
#include "glint/eval/evaluation.h"
#include "glint/eval/judged_metrics.h"
#include "glint/eval/metrics.h"
#include "glint/eval/postprocess.h"

// A texts, B videos, Q queries of a direction, G items of its gallery.

namespace glint {
namespace {

constexpr int64_t kKept = 10;  // best answers of a query that are written

template <class Number>
std::vector<Number> numbers_of(const torch::Tensor& tensor) {
  const auto plain = tensor.contiguous();
  return {plain.const_data_ptr<Number>(), plain.const_data_ptr<Number>() + plain.numel()};
}

// Counts ranks of either direction, by own videos or by judgements.
class Ranker {
 public:
  Ranker(const Scores& scores, const EvaluatedSet& set, const EvalConfig& config, const Truth& truth)
      : scores_(scores),
        ties_(config.ties == "average" ? Ties::kAverage : Ties::kOptimistic),
        among_(config.v2t == "captions" ? CaptionRanks::kCaptions : CaptionRanks::kGroups) {
    if (truth.judged) {
      right_ = *truth.judged;
    } else {
      owner_ = video_of_query(set);
    }
  }

  struct Ranked {
    RetrievalMetrics metrics;
    std::vector<double> counted;  // ranks of the queries asked
    DirectionRanks ranks;
    std::optional<JudgedMetrics> judged;
  };

  Ranked rank(Direction direction, const QueryTransform& transform, bool keeps) const {
    AnswerNotes notes(kKept);
    auto* noted = keeps ? &notes : nullptr;
    auto ranked = right_ ? by_judgements(direction, transform, noted) : by_owner(direction, transform, noted);
    if (keeps) {
      ranked.ranks.truth_score = std::move(notes.truth_score);
      ranked.ranks.top_items = numbers_of<int64_t>(notes.best.items);
      ranked.ranks.top_scores = numbers_of<double>(notes.best.scores);
    }
    return ranked;
  }

  Ties ties() const { return ties_; }

 private:
  Ranked by_owner(Direction direction, const QueryTransform& transform, AnswerNotes* notes) const {
    const auto found = direction == Direction::kTextToVideo ? t2v_ranks(scores_, owner_, transform, notes)
                                                            : v2t_ranks(scores_, owner_, among_, transform, notes);
    Ranked ranked{summarise(found, ties_), found.counted(ties_), {}, std::nullopt};
    ranked.ranks.query = found.queries;
    for (const double rank : found.rank) ranked.ranks.rank.push_back(static_cast<int64_t>(rank));
    ranked.ranks.rank_average = found.rank_average;
    return ranked;
  }

  Ranked by_judgements(Direction direction, const QueryTransform& transform, AnswerNotes* notes) const {
    const auto right = direction == Direction::kTextToVideo ? *right_ : transposed(*right_);
    const auto found = judged_positions(scores_, direction, right, transform, notes);
    const auto judged = summarise(found, ties_);
    Ranked ranked{judged, {}, {}, judged};
    ranked.ranks.query = found.queries;
    for (std::size_t i = 0; i < found.queries.size(); ++i) {
      const auto& counted = found.counted(ties_)[i];
      ranked.counted.push_back(counted.front());
      ranked.ranks.rank.push_back(static_cast<int64_t>(found.positions[i].front()));
      ranked.ranks.rank_average.push_back(found.positions_average[i].front());
      ranked.ranks.ndcg10.push_back(ndcg10(counted));
      ranked.ranks.average_precision.push_back(average_precision(counted));
    }
    return ranked;
  }

  const Scores& scores_;
  Ties ties_;
  CaptionRanks among_;
  torch::Tensor owner_;  // int64 [A]
  std::optional<RightAnswers> right_;
};

// Whether some video has several texts.
bool has_several(const EvaluatedSet& set) {
  std::map<std::string, int64_t> texts;
  for (const auto& query : set.queries) {
    if (!query.video.empty() && ++texts[query.video] > 1) return true;
  }
  return false;
}

EvaluationSignature signature_of(const EvaluatedSet& set, const EvalConfig& config, const Truth& truth,
                                 const std::string& bank) {
  std::vector<std::string> queries, videos, gallery;
  for (const auto& item : set.queries) {
    queries.push_back(item.id);
    videos.push_back(item.video);
  }
  for (const auto& item : set.gallery) gallery.push_back(item.id);
  EvaluationSignature signature;
  signature.protocol = set.protocol.empty() ? set.data : concat(set.data, ":", set.protocol);
  signature.queries = std::ssize(set.queries);
  signature.gallery = std::ssize(set.gallery);
  signature.ids = signature_ids(queries, videos, gallery);
  const bool several = has_several(set);
  signature.captions = several ? "all" : "first";
  if (!several && set.protocol.find("paragraph") != std::string::npos) signature.captions = "paragraph";
  if (std::all_of(videos.begin(), videos.end(), [](const auto& id) { return id.empty(); })) signature.captions = "?";
  if (!set.captions.empty()) signature.captions = set.captions;
  signature.truth = truth.name;
  if (several) signature.direction = truth.judged || config.v2t == "captions" ? "captions" : "groups";
  signature.ties = config.ties;
  signature.postprocess = postprocess_signature(postprocess_of(config), bank);
  signature.frames = set.frames;
  signature.fps = set.fps;
  signature.max_seconds = set.max_seconds;
  return signature;
}

std::map<std::string, RetrievalMetrics> metrics_of_tags(const EvaluatedSet& set, const std::vector<int64_t>& queries,
                                                        const std::vector<double>& counted) {
  std::map<std::string, std::vector<double>> of_tag;
  for (std::size_t i = 0; i < counted.size(); ++i) {
    for (const auto& tag : set.queries[static_cast<std::size_t>(queries[i])].tags) of_tag[tag].push_back(counted[i]);
  }
  std::map<std::string, RetrievalMetrics> metrics;
  for (const auto& [tag, some] : of_tag) metrics[tag] = summarise(some);
  return metrics;
}

}  // namespace

Postprocess postprocess_of(const EvalConfig& config) {
  const auto& name = config.postprocess;
  if (name == "none") return NoPostprocess{};
  if (name == "dsl") return DslSettings{config.dsl_temperature};
  if (name == "dsl_shared") return DslSharedSettings{config.dsl_temperature};
  if (name == "is") return InvertedSoftmaxSettings{config.beta};
  if (name == "qb_norm") {
    QbNormSettings settings{config.beta, config.hub_k, config.hub_theta, std::nullopt};
    if (config.hub_theta_v2t > 0) settings.theta_v2t = config.hub_theta_v2t;
    return settings;
  }
  if (name == "nnn") return NnnSettings{config.nnn_k, config.nnn_alpha};
  if (name == "sinkhorn") {
    SinkhornSettings settings{config.sinkhorn_tau, std::nullopt};
    if (config.sinkhorn_rounds > 0) settings.rounds = config.sinkhorn_rounds;
    return settings;
  }
  if (name == "csls") return CslsSettings{config.csls_k};
  throw Error("eval.postprocess: no method '", name, "'");
}

Truth read_truth(const EvalConfig& config, const EvaluatedSet& set) {
  if (config.qrels.empty()) return {};
  std::vector<std::string> texts, videos;
  for (const auto& item : set.queries) texts.push_back(item.id);
  for (const auto& item : set.gallery) videos.push_back(item.id);
  auto judged = read_qrels(config.qrels, texts, videos);
  if (config.qrels_mode == "replace") return {"qrels:" + judged.hash, std::move(judged.right)};
  const auto owner = numbers_of<int64_t>(video_of_query(set));
  const auto own = own_answers(owner, std::ssize(set.gallery));
  return {"own+qrels:" + judged.hash, united(own, judged.right)};
}

Evaluation rank_scores(const Scores& scores, const EvaluatedSet& set, const EvaluationWork& work,
                       const std::optional<BankScores>& bank) {
  GLINT_CHECK(scores.texts() == std::ssize(set.queries) && scores.videos() == std::ssize(set.gallery), "scores ",
              scores.texts(), " x ", scores.videos(), " of ", set.queries.size(), " texts and ", set.gallery.size(),
              " videos");
  if (work.config.v2t == "captions" && !has_several(set))
    throw Error("eval.v2t=captions has no effect, since no video has several captions here; leave it out");
  const auto truth = read_truth(work.config, set);
  const Ranker ranker(scores, set, work.config, truth);
  const auto method = postprocess_of(work.config);
  DirectionBanks banks;
  if (bank) banks = {bank_of(bank->t2v, Direction::kTextToVideo), bank_of(bank->v2t, Direction::kVideoToText)};
  const auto transforms = prepare_postprocess(method, scores, banks);
  auto t2v = ranker.rank(Direction::kTextToVideo, transforms.t2v, work.keeps_ranks);
  auto v2t = ranker.rank(Direction::kVideoToText, transforms.v2t, work.keeps_ranks);
  Evaluation result;
  result.t2v = t2v.metrics;
  result.v2t = v2t.metrics;
  if (t2v.judged) result.judged = {*t2v.judged, *v2t.judged};
  if (!std::holds_alternative<NoPostprocess>(method)) {
    result.raw = {ranker.rank(Direction::kTextToVideo, {}, false).metrics,
                  ranker.rank(Direction::kVideoToText, {}, false).metrics};
  }
  result.t2v_of_tag = metrics_of_tags(set, t2v.ranks.query, t2v.counted);
  result.skipped = set.skipped;
  result.clips = std::ssize(set.gallery);
  if (work.keeps_ranks) result.ranks = {set.queries, set.gallery, std::move(t2v.ranks), std::move(v2t.ranks)};
  result.signature = signature_of(set, work.config, truth, bank ? bank->name : "test_queries");
  return result;
}

}  // namespace glint
