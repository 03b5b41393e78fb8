#include "eval/ranking.h"

#include <torch/torch.h>

#include <map>

#include "glint/core/error.h"
#include "glint/core/utf8.h"
#include "glint/eval/metrics.h"
#include "glint/eval/postprocess.h"

// A texts, B videos, Q queries of a direction, G items of its gallery.

namespace glint {
namespace {

constexpr int64_t kKept = 10;         // best answers of a query that are written
constexpr int64_t kRowsAtOnce = 256;  // of which a float64 copy is made

Postprocess method_of(const EvalConfig& config) {
  const auto& name = config.postprocess;
  if (name == "none") return NoPostprocess{};
  if (name == "dsl") return DslSettings{config.dsl_temperature};
  if (name == "dsl_shared") return DslSharedSettings{config.dsl_temperature};
  if (name == "is") return InvertedSoftmaxSettings{};
  if (name == "qb_norm") return QbNormSettings{};
  if (name == "nnn") return NnnSettings{};
  if (name == "sinkhorn") return SinkhornSettings{};
  if (name == "csls") return CslsSettings{};
  throw Error("eval.postprocess: no method '", name, "'");
}

// The scores of the right answers as they are ranked: rows [Q, G], of each row the largest of its own items.
std::vector<double> truth_scores(const torch::Tensor& rows, const std::vector<int64_t>& queries,
                                 const std::vector<std::vector<int64_t>>& answers, const QueryTransform& transform) {
  std::vector<double> best(static_cast<std::size_t>(rows.size(0)));
  for (int64_t first = 0; first < rows.size(0); first += kRowsAtOnce) {
    const auto some = rows.slice(0, first, std::min(rows.size(0), first + kRowsAtOnce));
    const auto block = (transform ? transform(some, first) : some).to(torch::kFloat64).contiguous();
    const double* values = block.const_data_ptr<double>();
    for (int64_t i = 0; i < block.size(0); ++i) {
      double& score = best[static_cast<std::size_t>(first + i)];
      score = -std::numeric_limits<double>::infinity();
      for (const auto item : answers[static_cast<std::size_t>(first + i)]) {
        score = std::max(score, values[i * block.size(1) + item]);
      }
    }
  }
  std::vector<double> asked;
  for (const auto query : queries) asked.push_back(best[static_cast<std::size_t>(query)]);
  return asked;
}

template <class Number>
std::vector<Number> numbers_of(const torch::Tensor& tensor) {
  const auto plain = tensor.contiguous();
  return {plain.const_data_ptr<Number>(), plain.const_data_ptr<Number>() + plain.numel()};
}

DirectionRanks direction_ranks(const torch::Tensor& scores, const Ranks& ranks, Direction direction,
                               const std::vector<std::vector<int64_t>>& answers, const QueryTransform& transform) {
  DirectionRanks all;
  all.query = ranks.queries;
  for (const double rank : ranks.rank) all.rank.push_back(static_cast<int64_t>(rank));
  all.rank_average = ranks.rank_average;
  const auto rows = direction == Direction::kTextToVideo ? scores : scores.t();
  all.truth_score = truth_scores(rows, ranks.queries, answers, transform);
  const auto best = best_items(scores, direction, kKept, transform);
  const auto asked = torch::tensor(ranks.queries, torch::kInt64);
  all.top_items = numbers_of<int64_t>(best.items.index_select(0, asked));
  all.top_scores = numbers_of<double>(best.scores.index_select(0, asked));
  return all;
}

// Ids come from file names, which may hold any bytes.
std::string as_text(const std::string& bytes) {
  std::string text = bytes;
  while (const auto bad = find_bad_utf8(text)) text[*bad] = '?';
  return text;
}

void fill_items(EvaluationRanks& ranks, const Dataset& dataset, const AskedQueries& queries,
                const std::vector<int64_t>& clips) {
  for (const auto clip : clips) {
    const auto& item = dataset.clips[static_cast<std::size_t>(clip)];
    ranks.gallery.push_back({as_text(item.id), "", "", item.tags});
  }
  std::map<int64_t, int64_t> captions, seen;  // of a clip
  for (const auto clip : queries.clip) ++captions[clip];
  for (std::size_t i = 0; i < queries.texts.size(); ++i) {
    const auto& clip = dataset.clips[static_cast<std::size_t>(queries.clip[i])];
    const auto number = seen[queries.clip[i]]++;
    const auto id = captions[queries.clip[i]] == 1 ? as_text(clip.id) : concat(as_text(clip.id), "#", number);
    ranks.queries.push_back({id, as_text(queries.texts[i]), as_text(clip.id), clip.tags});
  }
}

EvaluationSignature signature_of(const EvaluationRanks& ranks, const Dataset& dataset, const EvalConfig& config) {
  EvaluationSignature signature;
  signature.protocol = concat(dataset.name, ":", dataset.protocol);
  signature.queries = std::ssize(ranks.queries);
  signature.gallery = std::ssize(ranks.gallery);
  signature.ids = signature_ids(ranks);
  const bool several = signature.queries > std::ssize(ranks.v2t.query);
  signature.captions = several                                                   ? "all"
                       : dataset.protocol.find("paragraph") != std::string::npos ? "paragraph"
                                                                                 : "first";
  if (several) signature.direction = "groups";
  signature.ties = config.ties;
  signature.postprocess = postprocess_signature(method_of(config), "test_queries");
  return signature;
}

std::map<std::string, RetrievalMetrics> metrics_of_tags(const EvaluationRanks& ranks,
                                                        const std::vector<double>& counted) {
  std::map<std::string, std::vector<double>> of_tag;
  for (std::size_t i = 0; i < counted.size(); ++i) {
    for (const auto& tag : ranks.queries[static_cast<std::size_t>(ranks.t2v.query[i])].tags)
      of_tag[tag].push_back(counted[i]);
  }
  std::map<std::string, RetrievalMetrics> metrics;
  for (const auto& [tag, some] : of_tag) metrics[tag] = summarise(some);
  return metrics;
}

}  // namespace

void rank_scores(Evaluation& result, const torch::Tensor& scores, const Dataset& dataset, const AskedQueries& queries,
                 const std::vector<int64_t>& clips, const EvalConfig& config) {
  const auto owner = torch::tensor(queries.video, torch::kInt64);
  const Ties ties = config.ties == "average" ? Ties::kAverage : Ties::kOptimistic;
  const auto method = method_of(config);
  const auto transforms = prepare_postprocess(method, scores);
  const auto t2v = t2v_ranks(scores, owner, transforms.t2v);
  const auto v2t = v2t_ranks(scores, owner, CaptionRanks::kGroups, transforms.v2t);
  result.t2v = summarise(t2v, ties);
  result.v2t = summarise(v2t, ties);
  if (!std::holds_alternative<NoPostprocess>(method)) {
    result.raw_t2v = summarise(t2v_ranks(scores, owner), ties);
    result.raw_v2t = summarise(v2t_ranks(scores, owner, CaptionRanks::kGroups), ties);
  }
  std::vector<std::vector<int64_t>> video_of(queries.video.size()), texts_of(clips.size());
  for (std::size_t text = 0; text < queries.video.size(); ++text) {
    video_of[text] = {queries.video[text]};
    texts_of[static_cast<std::size_t>(queries.video[text])].push_back(static_cast<int64_t>(text));
  }
  fill_items(result.ranks, dataset, queries, clips);
  result.ranks.t2v = direction_ranks(scores, t2v, Direction::kTextToVideo, video_of, transforms.t2v);
  result.ranks.v2t = direction_ranks(scores, v2t, Direction::kVideoToText, texts_of, transforms.v2t);
  result.signature = signature_of(result.ranks, dataset, config);
  result.t2v_of_tag = metrics_of_tags(result.ranks, t2v.counted(ties));
}

}  // namespace glint
