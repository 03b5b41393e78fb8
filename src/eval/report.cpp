#include "glint/eval/report.h"
#include "glint/core/json.h"

#include <algorithm>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>
#include <vector>

#include "glint/core/error.h"

namespace glint {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const RetrievalMetrics& metrics) {
  return {{"R@1", metrics.r1},          {"R@5", metrics.r5},        {"R@10", metrics.r10},       {"R@50", metrics.r50},
          {"MdR", metrics.median_rank}, {"MnR", metrics.mean_rank}, {"RSum", metrics.rsum},      {"MRR", metrics.mrr},
          {"nDCG@10", metrics.ndcg10},  {"ties", metrics.tied},     {"queries", metrics.queries}};
}

void add_judged(Json& json, const JudgedMetrics& metrics) {
  json["recall@5"] = metrics.recall5;
  json["recall@10"] = metrics.recall10;
  json["MAP"] = metrics.map;
  json["not_asked"] = metrics.not_asked;
}

void add_row(std::ostringstream& out, const std::string& name, const RetrievalMetrics& metrics) {
  out << std::left << std::setw(26) << name << std::right << std::fixed << std::setprecision(1);
  for (const double value : {metrics.r1, metrics.r5, metrics.r10, metrics.median_rank, metrics.mean_rank}) {
    out << std::setw(8) << value;
  }
  out << std::setw(9) << metrics.queries << "\n";
}

}  // namespace

namespace {

// Of a terminal's control characters nothing is left.
std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7F; }, '?');
  return text;
}

}  // namespace

std::map<std::string, std::string> notes_of(const Provenance& provenance) {
  return {{"selected_on", provenance.selected_on},
          {"selected_by", provenance.selected_by},
          {"checkpoint", provenance.checkpoint},
          {"weights", provenance.weights},
          {"config_hash", provenance.config_hash},
          {"head", provenance.head},
          {"model", provenance.model},
          {"features", provenance.features},
          {"precision", provenance.eval.precision}};
}

Provenance provenance_of(const std::map<std::string, std::string>& notes) {
  const auto value = [&](const char* key) {
    const auto found = notes.find(key);
    return found == notes.end() ? std::string() : found->second;
  };
  Provenance provenance;
  provenance.selected_on = value("selected_on");
  provenance.selected_by = value("selected_by");
  provenance.checkpoint = value("checkpoint");
  provenance.weights = value("weights");
  provenance.config_hash = value("config_hash");
  provenance.head = value("head");
  provenance.model = value("model");
  provenance.features = value("features");
  provenance.eval.precision = value("precision");
  return provenance;
}

std::string results_json(const Evaluation& evaluation, const Provenance& provenance) {
  Json json;
  json["t2v"] = to_json(evaluation.t2v);
  json["v2t"] = to_json(evaluation.v2t);
  if (evaluation.judged) {
    add_judged(json["t2v"], evaluation.judged->t2v);
    add_judged(json["v2t"], evaluation.judged->v2t);
  }
  if (evaluation.raw) json["raw"] = {{"t2v", to_json(evaluation.raw->t2v)}, {"v2t", to_json(evaluation.raw->v2t)}};
  if (!evaluation.t2v_of_tag.empty()) {
    for (const auto& [tag, metrics] : evaluation.t2v_of_tag) json["t2v_of_tag"][tag] = to_json(metrics);
  }
  json["queries"] = evaluation.t2v.queries;
  json["clips"] = evaluation.clips;
  json["skipped"] = evaluation.skipped.size();
  json["skipped_clips"] = Json::array();
  for (const auto& skipped : evaluation.skipped)
    json["skipped_clips"].push_back({{"clip", skipped.clip}, {"cause", skipped.cause}});
  json["head"] = provenance.head;
  json["data"] = provenance.data;
  json["split"] = provenance.split;
  json["protocol"] = provenance.protocol;
  json["signature"] = provenance.signature;
  json["selected_on"] = provenance.selected_on;
  if (!provenance.selected_by.empty()) json["selected_by"] = provenance.selected_by;
  json["ties"] = provenance.eval.ties;
  json["postprocess"] = provenance.eval.postprocess;
  json["precision"] = provenance.eval.precision;
  if (!provenance.model.empty()) json["model"] = provenance.model;
  if (!provenance.features.empty()) json["features"] = provenance.features;
  json["checkpoint"] = provenance.checkpoint;
  json["weights"] = provenance.weights;
  json["config_hash"] = provenance.config_hash;
  json["encode_s"] = evaluation.encode_s;
  json["score_s"] = evaluation.score_s;
  // A file name may hold bytes that are not UTF-8: they are replaced rather than refused.
  return json_text(json, 2) + "\n";
}

std::string results_table(const Evaluation& evaluation, const Provenance& provenance) {
  std::ostringstream out;
  out << std::left << std::setw(26) << concat(provenance.data, " ", provenance.split) << std::right;
  for (const char* column : {"R@1", "R@5", "R@10", "MdR", "MnR"}) out << std::setw(8) << column;
  out << std::setw(9) << "queries"
      << "\n";
  add_row(out, "text to video", evaluation.t2v);
  add_row(out, "video to text", evaluation.v2t);
  if (evaluation.raw) {
    add_row(out, "text to video, raw", evaluation.raw->t2v);
    add_row(out, "video to text, raw", evaluation.raw->v2t);
  }
  for (const auto& [tag, metrics] : evaluation.t2v_of_tag) add_row(out, concat("text to video, ", tag), metrics);
  out << provenance.head;
  if (!provenance.checkpoint.empty())
    out << ", checkpoint " << provenance.checkpoint << " (selected on " << provenance.selected_on
        << (provenance.selected_by.empty() ? "" : " by " + provenance.selected_by) << ")";
  out << ", protocol " << provenance.protocol << ", ties " << provenance.eval.ties;
  if (provenance.eval.postprocess != "none")
    out << ", post-processing " << provenance.eval.postprocess
        << (provenance.eval.bank == "test_queries" ? " (uses all queries together)" : "");
  out << ", " << evaluation.clips << " clips";
  if (evaluation.judged && evaluation.judged->t2v.not_asked > 0)
    out << ", " << evaluation.judged->t2v.not_asked << " texts without a right answer are not asked";
  if (!evaluation.skipped.empty()) out << ", " << evaluation.skipped.size() << " skipped";
  if (const auto tied = evaluation.t2v.tied + evaluation.v2t.tied; tied > 0)
    out << ", " << tied << " queries with ties";
  out << "\n" << provenance.signature << "\n";
  return out.str();
}

std::string worst_queries(const EvaluationRanks& ranks, int64_t count) {
  const auto& t2v = ranks.t2v;
  std::vector<std::size_t> order(t2v.query.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto worse = [&](std::size_t a, std::size_t b) { return t2v.rank_average[a] > t2v.rank_average[b]; };
  std::stable_sort(order.begin(), order.end(), worse);
  order.resize(std::min(order.size(), static_cast<std::size_t>(count)));
  const auto kept = t2v.query.empty() ? 0 : t2v.top_items.size() / t2v.query.size();
  std::ostringstream out;
  out << std::fixed << std::setprecision(3);
  for (const auto i : order) {
    const auto& query = ranks.queries[static_cast<std::size_t>(t2v.query[i])];
    out << "rank " << t2v.rank[i] + 1 << ": " << printable(query.caption.empty() ? query.id : query.caption)
        << "\n  right: " << (query.video.empty() ? "by the judgements" : printable(query.video)) << " ("
        << t2v.truth_score[i] << "); best:";
    for (std::size_t k = 0; k < std::min<std::size_t>(3, kept); ++k) {
      const auto item = static_cast<std::size_t>(t2v.top_items[i * kept + k]);
      out << (k == 0 ? " " : ", ") << printable(ranks.gallery[item].id) << " (" << t2v.top_scores[i * kept + k] << ")";
    }
    out << "\n";
  }
  return out.str();
}

}  // namespace glint
