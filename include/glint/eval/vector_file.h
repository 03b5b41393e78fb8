#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "glint/eval/evaluated_set.h"
#include "glint/eval/evaluation.h"
#include "glint/eval/feature_source.h"

namespace glint {

// Features and scores of any other model, as files.

// Rows of vectors with their ids.
struct VectorFile {
  std::filesystem::path path;
  FileTensor vectors;            // floats [N, D], or of videos [N, T, D]
  std::vector<std::string> ids;  // [N]
};

// A .npy file, with ids a line in FILE.ids.txt beside it (clips.npy: clips.ids.txt), or a safetensors file of one
// tensor, with the ids as a JSON list in its metadata's "ids". Without ids a row's number, from 0, is its id. Error
// naming the file for what does not fit, an id that stands twice among them.
VectorFile read_vectors(const std::filesystem::path& path);

// Cosines: texts' unit vectors with videos' ones; a video's several vectors are made unit, and their mean is taken.
// `head` is a mean_pool head. Error where the widths differ.
std::unique_ptr<FeatureSource> features_of_vectors(VectorFile texts, VectorFile videos, EvaluatedSet set,
                                                   RetrievalHead& head, int64_t batch_size);

// Scores [A, B] of any other model: .npy with F.texts.txt and F.videos.txt beside F.npy, or a safetensors file with a
// tensor 'scores' and JSON lists "texts" and "videos" in its metadata; without ids numbers of rows and columns.
struct ForeignScores {
  Scores scores;
  std::vector<std::string> texts, videos;  // ids
};
ForeignScores read_foreign_scores(const std::filesystem::path& path);

// Which text belongs to which video. `truth`: the folder of an evaluation (queries.jsonl, gallery.jsonl: the same ids
// are asked and searched, and protocol and captions are taken from there); or a file of lines `text TAB video`; or
// relevance judgements (qrels.h), which `config.qrels` names then.
EvaluatedSet set_of_ids(const std::vector<std::string>& texts, const std::vector<std::string>& videos,
                        const std::filesystem::path& truth, EvalConfig& config);

}  // namespace glint
