#pragma once

#include <filesystem>
#include <string>

#include "glint/dist/communicator.h"
#include "glint/eval/rank_file.h"
#include "glint/train/checkpoint.h"

namespace glint::app {

struct Report {
  std::string json;
  std::string table;
  EvaluationRanks ranks;
};

// results.json and the ranks of every query, into the folder of an evaluation (docs/formats.md).
void write_evaluation(const std::filesystem::path& folder, const Report& report);

// Evaluates a checkpoint on `split` with its `config`, which resolve() gives; the report is of what was built from it.
// Several processes share the work and get the same report. The model runs on `device`.
Report evaluate_checkpoint(Checkpoint checkpoint, const std::string& split, Communicator& peers, torch::Device device);

// Puts train.threads into force; 0 leaves LibTorch its own choice, all cores.
void use_threads(int64_t threads);

}  // namespace glint::app
