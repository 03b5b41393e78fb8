#pragma once

#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "glint/config/video_config.h"
#include "glint/eval/rank_file.h"

namespace glint {

struct SkippedClip {
  std::string clip;
  std::string cause;
};

// What is asked and what is searched: the rows and columns of a matrix of scores, in files of features and scores too.
struct EvaluatedSet {
  std::string data, split, protocol;  // "msrvtt", "test", "1k-A"
  std::string captions;               // caption rule (EvaluationSignature), "paragraph"; empty: by their number
  std::vector<RankedItem> queries;    // texts [A]
  std::vector<RankedItem> gallery;    // videos [B]
  std::vector<SkippedClip> skipped;   // videos left out together with their captions
  std::optional<int64_t> frames;      // of a video at most; none: not known
  std::optional<double> fps;          // candidate frames a second; none: no fixed rate
  std::optional<double> max_seconds;  // of a video at most, from its start; none: all of it
};

// int64 [A]: the gallery's row of every text's own video. Throws Error where a text has none.
torch::Tensor video_of_query(const EvaluatedSet& set);

// Fills in what the signature says of frames.
void describe_frames(EvaluatedSet& set, const VideoConfig& video);

// As one line of JSON, for a file's metadata, and back. Error ("WHERE: ...") for what is not such a line, for ids that
// stand twice, and for a text whose video is not there.
std::string to_json(const EvaluatedSet& set);
EvaluatedSet parse_evaluated_set(const std::string& json, const std::string& where);

}  // namespace glint
