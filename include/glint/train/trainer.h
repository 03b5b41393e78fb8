#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "glint/config/config.h"
#include "glint/core/file_lock.h"
#include "glint/eval/evaluation.h"
#include "glint/train/checkpoint.h"
#include "glint/train/metrics_log.h"

namespace glint {

// What one optimizer step gives.
struct StepStats {
  double loss = 0;
  std::vector<std::pair<std::string, double>> parts;  // "nce", then the head's own, in its order; they add up to `loss`
  double grad_norm = 0;                               // before the global clip
  double lr = 0;                                      // of the new weights
};

// Trains one model into a run folder (architecture, "Run folder"). Where the folder holds a run of the same settings,
// it goes on from its newest checkpoint and gives the losses of an unbroken run, bit for bit with one thread.
class Trainer {
 public:
  // Throws Error where the folder holds a run with other settings, naming them, and where another trainer works in it.
  explicit Trainer(Config config);
  ~Trainer();

  // Until the epochs or train.max_steps are over, or a signal asks to stop: then it saves and throws Stopped.
  // -> steps done by this call
  int64_t run();

 private:
  StepStats step(const Batch& batch);
  [[noreturn]] void fail_diverged(const StepStats& stats) const;
  void after_step(const Batch& batch, const StepStats& stats, double seconds, double waited_s);
  void after_epoch();
  void validate();
  void save();
  void drop_old_checkpoints() const;
  void resume();
  int64_t last_step() const;

  Config config_;
  std::filesystem::path run_dir_;
  FileLock lock_;  // of the run folder, as long as the trainer lives
  std::shared_ptr<const Dataset> dataset_;
  std::optional<Dataset> validation_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::shared_ptr<ClipSource> source_;
  std::shared_ptr<RetrievalModel> model_;
  NamedParameters trainable_;  // of `model_`
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<TrainLoader> loader_;
  std::unique_ptr<MetricsLog> metrics_;
  TrainState state_;
  int64_t saved_step_ = -1;  // of the newest whole checkpoint; -1: none
};

}  // namespace glint
