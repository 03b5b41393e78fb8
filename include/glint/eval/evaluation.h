#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "glint/config/eval_config.h"
#include "glint/dist/communicator.h"
#include "glint/eval/evaluated_set.h"
#include "glint/eval/feature_source.h"
#include "glint/eval/judged_metrics.h"
#include "glint/eval/metrics.h"
#include "glint/eval/qrels.h"
#include "glint/eval/rank_file.h"
#include "glint/eval/scores.h"
#include "glint/eval/signature.h"
#include "glint/model/head.h"

namespace glint {

// Numbers of both directions.
template <class Metrics>
struct BothDirections {
  Metrics t2v, v2t;
};

// What one split gives: every caption asked of every clip, and the other way round.
struct Evaluation {
  RetrievalMetrics t2v;
  RetrievalMetrics v2t;
  std::optional<BothDirections<RetrievalMetrics>> raw;  // without eval.postprocess, where there is one
  std::optional<BothDirections<JudgedMetrics>> judged;  // with eval.qrels
  std::map<std::string, RetrievalMetrics> t2v_of_tag;   // of the captions of clips with that tag, against all clips
  std::vector<SkippedClip> skipped;                     // unreadable clips, left out together with their captions
  int64_t clips = 0;                                    // searched
  double encode_s = 0;                                  // wall time, decoding included
  double score_s = 0;                                   // ranking included
  EvaluationRanks ranks;                                // of every query, as they were counted; empty unless asked for
  EvaluationSignature signature;                        // what the numbers mean; `glint` is left to the caller
};

// Where the right answers stand.
struct Truth {
  std::string name = "own";            // "own", "qrels:HASH8", "own+qrels:HASH8", as the signature says it
  std::optional<RightAnswers> judged;  // texts -> videos; none: every text's own video
};

// eval.qrels of texts and videos; without it every text's own video.
Truth read_truth(const EvalConfig& config, const EvaluatedSet& set);

// A bank of eval.postprocess that is not the test queries: what is encoded, and how the signature names it.
struct BankSource {
  FeatureSource* features = nullptr;
  std::string name;  // "train_captions:9000"
};

struct EvaluationWork {
  EvalConfig config;
  bool keeps_ranks = false;                        // Evaluation::ranks
  std::filesystem::path scores;                    // keep the matrix there; empty: nowhere
  std::map<std::string, std::string> score_notes;  // for its metadata, beside what rows and columns are
  std::optional<BankSource> bank;                  // eval.bank
};

// All three stages: features, scores, ranks. Several processes share clips, captions and rows of scores among them;
// all get the same numbers, and rank 0 the ranks. Throws Error where nothing is left to search or a score is not
// finite.
Evaluation evaluate(RetrievalHead& head, FeatureSource& features, const EvaluationWork& work, Communicator& peers);

// The last stage alone.
struct BankScores {
  Scores t2v;  // bank texts x videos
  Scores v2t;  // texts x bank videos
  std::string name;
};
Evaluation rank_scores(const Scores& scores, const EvaluatedSet& set, const EvaluationWork& work,
                       const std::optional<BankScores>& bank = std::nullopt);

// A file of scores, format 1 (docs/formats.md), as EvaluationWork::scores keeps it: `scores` float [A, B]. Error for
// what is none or does not fit.
struct ScoreFile {
  Scores scores;
  EvaluatedSet set;
  std::map<std::string, std::string> metadata;
};
ScoreFile read_scores(const std::filesystem::path& path);

}  // namespace glint
