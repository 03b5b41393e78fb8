#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "glint/eval/signature.h"

namespace glint {

// An evaluation as files, in runs/<name>/eval/<split>/ (docs/formats.md): metrics, comparisons and pages start from
// them, never from a model.
//   results.json        the numbers; "signature" is the evaluation signature (written by the evaluation itself)
//   ranks.safetensors   `t2v.rank`, ..., `v2t.top_scores`: the members of DirectionRanks by their names
//   queries.jsonl       one RankedItem a text, in the rows' order
//   gallery.jsonl       one RankedItem a video
// Texts are the rows of queries.jsonl and videos those of gallery.jsonl in both directions: t2v asks texts for videos,
// v2t asks videos for texts. Q questions, A answers, K = min(10, A).

// One line of queries.jsonl or gallery.jsonl: {"id", "caption", "video", "tags"}, empty ones left out.
struct RankedItem {
  std::string id;                 // once a file
  std::string caption;            // of a text
  std::string video;              // of a text: the id of its video in the gallery; empty where it has none (qrels)
  std::vector<std::string> tags;  // of the text's or video's clip

  bool operator==(const RankedItem&) const = default;
};

struct DirectionRanks {
  std::vector<std::int64_t>
      query;  // int64 [Q]: the row of each question, ascending; a video without a text is not asked
  std::vector<std::int64_t> rank;       // int64 [Q]: 0-based, of the (best) right answer: number of larger scores
  std::vector<double> rank_average;     // float64 [Q]: half the number of equal others added
  std::vector<double> truth_score;      // float64 [Q]: of the (best) right answer
  std::vector<std::int64_t> top_items;  // int64 [Q, K]: rows of the best answers, best first
  std::vector<double> top_scores;       // float64 [Q, K]: their scores; -infinity where an answer is ruled out
  // Where there are several right answers (eval.qrels), else empty, since the rank says it:
  std::vector<double> ndcg10;             // float64 [Q]: nDCG@10, [0, 1]
  std::vector<double> average_precision;  // float64 [Q], [0, 1]

  bool operator==(const DirectionRanks&) const = default;
};

struct EvaluationRanks {
  std::vector<RankedItem> queries;
  std::vector<RankedItem> gallery;
  DirectionRanks t2v;
  DirectionRanks v2t;
};

// Writes the three files besides results.json, each atomically, ranks.safetensors last. Throws Error where an id stands
// twice or a text is not UTF-8, Bug where counts do not fit.
void write_ranks(const std::filesystem::path& folder, const EvaluationRanks& ranks);

// Throws Error, one sentence with the file's name, for whatever does not fit: a version or tensor that is not there,
// counts, numbers that are no ranks, ids twice, a file that belongs to another evaluation.
EvaluationRanks read_ranks(const std::filesystem::path& folder);

// The rows of queries.jsonl or gallery.jsonl. Error ("FILE:LINE: ...") for what is not UTF-8, not one JSON object a
// line, or has an id that is empty or stands twice.
std::vector<RankedItem> read_ranked_items(const std::filesystem::path& file);

// The "signature" of a results.json.
EvaluationSignature read_signature(const std::filesystem::path& results);

// signature_ids() of an evaluation's texts and videos.
std::string signature_ids(const EvaluationRanks& ranks);

}  // namespace glint
