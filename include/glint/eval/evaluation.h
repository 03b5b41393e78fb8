#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "glint/config/eval_config.h"
#include "glint/config/text_config.h"
#include "glint/data/clip_source.h"
#include "glint/data/dataset.h"
#include "glint/dist/communicator.h"
#include "glint/eval/metrics.h"
#include "glint/eval/rank_file.h"
#include "glint/eval/signature.h"
#include "glint/model/retrieval_model.h"
#include "glint/text/tokenizer.h"

namespace glint {

struct SkippedClip {
  std::string clip;
  std::string cause;
};

// What one split gives: every caption asked of every clip, and the other way round.
struct Evaluation {
  RetrievalMetrics t2v;
  RetrievalMetrics v2t;
  std::optional<RetrievalMetrics> raw_t2v, raw_v2t;    // without eval.postprocess, where there is one
  EvaluationRanks ranks;                               // of every query, as they were counted
  EvaluationSignature signature;                       // what the numbers mean; `glint` is left to the caller
  std::map<std::string, RetrievalMetrics> t2v_of_tag;  // of the captions of clips with that tag, against all clips
  std::vector<SkippedClip> skipped;                    // unreadable clips, left out together with their captions
  int64_t clips = 0;                                   // searched
  double encode_s = 0;                                 // wall time, decoding included
  double score_s = 0;
};

// Encodes each clip and each caption once, scores in blocks, ranks. Puts the model into evaluation mode and back.
// `workers` threads decode ahead. Throws Error where nothing is left to search or a score is not finite. Several
// processes share clips, captions and rows of scores among them; all get the same result.
Evaluation evaluate(RetrievalModel& model, const Tokenizer& tokenizer, const Dataset& dataset, ClipSource& source,
                    const EvalConfig& config, const TextConfig& text, int64_t workers, Communicator& peers);

}  // namespace glint
