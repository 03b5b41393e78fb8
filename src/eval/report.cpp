#include "glint/eval/report.h"

#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>

#include "glint/core/error.h"

namespace glint {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const RetrievalMetrics& metrics) {
  return {{"R@1", metrics.r1},          {"R@5", metrics.r5},        {"R@10", metrics.r10},
          {"MdR", metrics.median_rank}, {"MnR", metrics.mean_rank}, {"queries", metrics.queries}};
}

void add_row(std::ostringstream& out, const std::string& name, const RetrievalMetrics& metrics) {
  out << std::left << std::setw(26) << name << std::right << std::fixed << std::setprecision(1);
  for (const double value : {metrics.r1, metrics.r5, metrics.r10, metrics.median_rank, metrics.mean_rank}) {
    out << std::setw(8) << value;
  }
  out << std::setw(9) << metrics.queries << "\n";
}

}  // namespace

std::string results_json(const Evaluation& evaluation, const Provenance& provenance) {
  Json json;
  json["t2v"] = to_json(evaluation.t2v);
  json["v2t"] = to_json(evaluation.v2t);
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
  json["selected_on"] = provenance.selected_on;
  json["ties"] = provenance.eval.ties;
  json["postprocess"] = provenance.eval.postprocess;
  json["checkpoint"] = provenance.checkpoint;
  json["weights"] = provenance.weights;
  json["config_hash"] = provenance.config_hash;
  json["encode_s"] = evaluation.encode_s;
  json["score_s"] = evaluation.score_s;
  // A file name may hold bytes that are not UTF-8: they are replaced rather than refused.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string results_table(const Evaluation& evaluation, const Provenance& provenance) {
  std::ostringstream out;
  out << std::left << std::setw(26) << concat(provenance.data, " ", provenance.split) << std::right;
  for (const char* column : {"R@1", "R@5", "R@10", "MdR", "MnR"}) out << std::setw(8) << column;
  out << std::setw(9) << "queries"
      << "\n";
  add_row(out, "text to video", evaluation.t2v);
  add_row(out, "video to text", evaluation.v2t);
  for (const auto& [tag, metrics] : evaluation.t2v_of_tag) add_row(out, concat("text to video, ", tag), metrics);
  out << provenance.head << ", checkpoint " << provenance.checkpoint << " (selected on " << provenance.selected_on
      << "), protocol " << provenance.protocol << ", ties " << provenance.eval.ties;
  if (provenance.eval.postprocess != "none")
    out << ", post-processing " << provenance.eval.postprocess << " (uses all queries together)";
  out << ", " << evaluation.clips << " clips";
  if (!evaluation.skipped.empty()) out << ", " << evaluation.skipped.size() << " skipped";
  out << "\n";
  return out.str();
}

}  // namespace glint
