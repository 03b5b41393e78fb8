#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "glint/dist/communicator.h"
#include "glint/eval/feature_source.h"
#include "glint/eval/scores.h"
#include "glint/model/head.h"

namespace glint {

// Takes the rows of a matrix of scores as they are made. A matrix of more than 256 MB goes into a file, without a name
// where none is asked for (in TMPDIR).
class ScoreWriter {
 public:
  // Rows and columns; `file`: where it is kept, with `metadata`; empty: nowhere.
  ScoreWriter(int64_t texts, int64_t videos, const std::filesystem::path& file,
              const std::map<std::string, std::string>& metadata);
  ~ScoreWriter();
  ScoreWriter(const ScoreWriter&) = delete;
  ScoreWriter& operator=(const ScoreWriter&) = delete;

  void append(const torch::Tensor& rows);  // float [n, B]; Error where the disk is full
  Scores finish();                         // all rows have been appended

 private:
  class Target;
  std::unique_ptr<Target> target_;
  int64_t texts_, videos_, rows_ = 0;
};

// One matrix of scores to be made: all texts of a source against these videos.
struct ScoredVideos {
  const VideoFeatures& videos;
  ScoreWriter* writer;  // null on other ranks than 0
};

struct ScoringTime {
  double encode_s = 0;
  double score_s = 0;
};

// The second stage: every text of `source` against all videos of every matrix, in blocks of `block` x `block`. Each
// text is encoded once, a part of them at a time. Several processes share the texts; rank 0 has the scores.
ScoringTime score_texts(RetrievalHead& head, FeatureSource& source, const std::vector<ScoredVideos>& matrices,
                        int64_t block, Communicator& peers);

// A file of scores, format 1: `scores` float [A, B] and, in the metadata, what rows and columns are.
std::map<std::string, std::string> score_metadata(const EvaluatedSet& set);

}  // namespace glint
