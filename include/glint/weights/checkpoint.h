#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "glint/config/config.h"
#include "glint/data/loader.h"
#include "glint/datasets/fingerprint.h"
#include "glint/io/safetensors.h"
#include "glint/model/retrieval_model.h"
#include "glint/optim/loss_scaler.h"
#include "glint/optim/optimizer.h"
#include "glint/text/tokenizer.h"

namespace glint {

// How far a run has come, and what it needs to go on where it stopped.
struct TrainState {
  int64_t step = 0;         // optimizer steps done
  LoaderPosition position;  // of the next batch
  double best_score = -1;   // by train.select on the validation split; -1: none yet
  int64_t best_step = 0;
  int64_t validated_step = 0;           // of the newest validation; 0: none yet
  int64_t stale_validations = 0;        // since the best score
  int64_t bad_steps = 0;                // left out in all, as their loss or gradient was no number
  LossScaler::State loss_scale;         // of train.precision fp16
  std::optional<DataFingerprint> data;  // of the training pairs; none in checkpoints of older versions and of imports
};

// The tensors of a training, by file. They share memory with the training's own, or are copies of them.
struct TrainTensors {
  TensorMap model;
  TensorMap optimizer;  // Optimizer::state()
  TensorMap average;    // MovingAverage::state(); empty: none is kept
};

// A checkpoint is a folder: model.safetensors, optimizer.safetensors (of a training), ema.safetensors (of a training
// with train.ema), tokenizer.model (where the tokenizer is a trained one), config.yaml, and state.json with the
// format's version and a checksum of every other file.
struct Checkpoint {
  std::filesystem::path folder;
  Config config;            // as it was trained; resolve() gives those of a use
  std::string selected_on;  // the split that chose it among its run's; "none" where nothing did
  std::string selected_by;  // the metric that did (train.select)
  std::string assumed;      // of an import: what nothing told of its towers; else empty
  std::shared_ptr<const Tokenizer> tokenizer;
  TensorMap model;
  TrainState state;
};

// Appears whole or not at all: written beside its place, synced, renamed. Throws Error naming the file where the disk
// has no room for it (looked up before anything is written) or the folder is read-only; nothing that was there before
// is lost. `write` puts each of `tensors` into its file.
void save_checkpoint(const std::filesystem::path& folder, const Config& config, const Tokenizer& tokenizer,
                     const TrainTensors& tensors, const TrainState& state, const WriteTensor& write = write_values);

// Every parameter of the model by its name; not copies.
TensorMap named_tensors(const RetrievalModel& model);

// The same of a model that no training has touched yet: an import, an average. `model` by our names; `assumed`: as
// Checkpoint has it.
void save_checkpoint(const std::filesystem::path& folder, const Config& config, const Tokenizer& tokenizer,
                     const TensorMap& model, const std::string& assumed = "");

// `where`: a checkpoint folder, or a run folder (its best checkpoint, or its last where none was selected). Throws
// Error where it is of an unknown version, a file is missing or does not match its checksum.
Checkpoint load_checkpoint(const std::filesystem::path& where);

struct CheckpointSettings {
  std::filesystem::path folder;  // of the checkpoint itself
  Config config;
};

// What load_checkpoint() would say of the settings, without reading anything else.
CheckpointSettings read_checkpoint_settings(const std::filesystem::path& where);

// The one way from a checkpoint and the words "section.key=value" to the settings that a model is built and used with.
// Throws Error naming the key where a word asks for what the weights fix (head, towers, sizes) or for what has an
// effect on training alone.
Config resolve(const Checkpoint& checkpoint, const std::vector<std::string>& overrides);

// The optimizer's tensors of a checkpoint (they are twice the model's size, so evaluation leaves them on the disk).
TensorMap load_optimizer_state(const Checkpoint& checkpoint);

// The moving average of the trained parameters; empty where the checkpoint has none.
TensorMap load_average(const Checkpoint& checkpoint);

// Puts the moving average in the place of the weights it is of, where there is one. -> whether there is
bool take_average(Checkpoint& checkpoint);

// Of a restored model: copies, to be trained; or the checkpoint's own tensors, pages of its file, to be read.
enum class Weights { kCopied, kShared };

// The model a checkpoint describes, with its weights.
std::shared_ptr<RetrievalModel> restore_model(const Checkpoint& checkpoint, Weights weights = Weights::kCopied);

// A run's checkpoint folders, newest first.
std::vector<std::filesystem::path> list_checkpoints(const std::filesystem::path& run_dir);

}  // namespace glint
