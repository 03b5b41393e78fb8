#pragma once

#include <map>
#include <string>

#include "glint/eval/evaluation.h"

namespace glint {

// Where an evaluation's numbers come from, as results.json tells it.
struct Provenance {
  std::string data;               // "msrvtt"
  std::string split;              // "test"
  std::string protocol;           // of the data set: "1k-A"
  std::string selected_on;        // "val": which split chose the checkpoint, "none" where the last one was taken
  std::string selected_by;        // "t2v/R@1": the metric that did; empty where nothing did
  std::string checkpoint;         // "step_001200"
  std::string weights = "model";  // or "moving_average" (train.ema)
  std::string config_hash;
  std::string head;
  std::string signature;  // one line, to_text(EvaluationSignature)
  std::string model;      // hash of its weights; empty: not known
  std::string features;   // file that the evaluation started from; empty: the videos
  EvalConfig eval;
};

// Provenance but for the data and the signature, as texts for the metadata of a file, and back.
std::map<std::string, std::string> notes_of(const Provenance& provenance);
Provenance provenance_of(const std::map<std::string, std::string>& notes);

// The object of results.json and `glint eval --json`: {"t2v": {"R@1", ...}, "v2t": {...}, "queries", "skipped", ...}.
std::string results_json(const Evaluation& evaluation, const Provenance& provenance);

// The `count` text queries with the worst ranks: rank, caption, the right clip, and the three best answers with scores.
// Control characters are shown as '?', since captions and file names may hold any.
std::string worst_queries(const EvaluationRanks& ranks, int64_t count);

// The same for a terminal: one row a direction and a tag, with what was evaluated under it.
std::string results_table(const Evaluation& evaluation, const Provenance& provenance);

}  // namespace glint
