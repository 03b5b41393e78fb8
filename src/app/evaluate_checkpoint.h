#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "glint/data/clip_source.h"
#include "glint/dist/communicator.h"
#include "glint/eval/evaluation.h"
#include "glint/eval/rank_file.h"
#include "glint/eval/report.h"
#include "glint/weights/checkpoint.h"

namespace glint::app {

struct Report {
  std::string json;
  std::string table;
  EvaluationRanks ranks;
  std::string split;
};

// Files that an evaluation may start from, and may keep.
struct EvaluationFiles {
  std::filesystem::path features;  // start from these (glint encode); empty: from the videos
  std::filesystem::path scores;    // keep the matrix of scores; empty: nowhere
};

// results.json and the ranks of every query, into the folder of an evaluation (docs/formats.md).
void write_evaluation(const std::filesystem::path& folder, const Report& report);

// Evaluates a checkpoint on `split` with its `config`, which resolve() gives; the report is of what was built from it.
// Several processes share the work and get the same numbers; rank 0 has the ranks. The model runs on `device`. `clips`:
// made for these settings; none: one is made where it is needed.
Report evaluate_checkpoint(Checkpoint checkpoint, const std::string& split, Communicator& peers, torch::Device device,
                           const EvaluationFiles& files = {}, std::shared_ptr<ClipSource> clips = nullptr);

// A report of an evaluation that is done.
Report report_of(const Evaluation& result, Provenance provenance);

// Settings that features depend on, as they stand in a file of features.
std::string feature_settings(const Config& config);
// Whether a file of features says what this setting was: in feature_settings(), as its split, or by its weights' hash.
bool is_compared_with_features(const std::string& key, const SettingRule& rule);

// Puts train.threads into force; 0 leaves LibTorch its own choice, all cores.
void use_threads(int64_t threads);

}  // namespace glint::app
