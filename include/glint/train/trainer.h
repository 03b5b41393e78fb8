#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "glint/config/config.h"
#include "glint/core/file_lock.h"
#include "glint/core/lap_timer.h"
#include "glint/dist/communicator.h"
#include "glint/eval/evaluation.h"
#include "glint/eval/feature_source.h"
#include "glint/optim/loss_scaler.h"
#include "glint/optim/moving_average.h"
#include "glint/train/batch_gradient.h"
#include "glint/train/run_checkpoints.h"

namespace glint {

class BadFiles;    // src/train/bad_files.h
class RunLog;      // src/train/run_log.h
struct StepStats;  // src/train/run_log.h
class StepGuard;   // src/train/step_guard.h

// Trains one model into a run folder (architecture, "Run folder"). Where the folder holds a run of the same settings,
// it goes on from its newest checkpoint and gives the losses of an unbroken run, bit for bit with one thread. What may
// differ then says its setting (OnResume).
class Trainer {
 public:
  // One of the processes that `peers` joins, each of which calls everything here; rank 0 alone writes to the folder.
  // The model lives on `device`, which a communicator of several knows too. Throws Error where the folder holds a run
  // with other settings, naming them, and where another trainer works in it.
  Trainer(Config config, std::shared_ptr<Communicator> peers, torch::Device device = torch::kCPU);
  ~Trainer();

  // Until the epochs or train.max_steps are over, train.patience is, or a signal asks (any process) to stop: then it
  // saves and throws Stopped. -> steps done by this call
  // The first `trace_steps` of them are recorded in trace.json (rank 0's).
  int64_t run(int64_t trace_steps = 0);

  const Dataset& dataset() const { return *dataset_; }           // what it trains on
  std::shared_ptr<ClipSource> clips() const { return source_; }  // with what it has decoded and found bad

 private:
  void open_run_folder();
  void load_data();
  void start();
  void leave_out_bad_files();
  void go_on_from(const Checkpoint& checkpoint);
  void check_length() const;
  void start_log();
  void tell_schedule() const;
  Batch next_batch();
  StepStats step(const Batch& batch);
  bool measures_losses() const;
  void change_weights(double lr_factor);
  void leave_out(const Batch& batch, const StepStats& stats);
  void after_step(const Batch& batch, const StepStats& stats);
  void settle();
  void validate();
  void note_bad_files(const Evaluation& result);
  Evaluation evaluate_validation();
  void take_score(double score);
  TrainTensors tensors() const;
  void save();
  int stop_anywhere();
  [[noreturn]] void stop(int signal);
  void rescue() noexcept;
  double schedule(int64_t epochs) const;
  int64_t last_step() const;
  bool out_of_patience() const;
  bool validation_is_due() const;
  bool save_is_due() const;
  bool leads() const { return peers_->rank() == 0; }

  Config config_;
  std::shared_ptr<Communicator> peers_;
  torch::Device device_;
  std::filesystem::path run_dir_;
  FileLock lock_;  // of the run folder, as long as the trainer lives
  std::shared_ptr<const Dataset> dataset_;
  std::optional<Dataset> validation_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::shared_ptr<ClipSource> source_;
  std::unique_ptr<BadFiles> bad_files_;
  std::optional<TowerMemory> towers_gave_;  // of the validation split; none where the towers are trained
  std::shared_ptr<RetrievalModel> model_;
  std::unique_ptr<BatchGradient> gradient_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<MovingAverage> average_;  // none without train.ema
  std::optional<LossScaler> scaler_;        // of train.precision fp16
  std::unique_ptr<RunCheckpoints> checkpoints_;
  std::unique_ptr<TrainLoader> loader_;
  std::unique_ptr<RunLog> log_;  // rank 0's
  TrainState state_;
  int64_t saved_step_ = -1;   // of the newest checkpoint; -1: none
  bool is_changing_ = false;  // the weights are not those of state_ any more, or not yet those of the next step
  std::filesystem::path resumed_from_;  // checkpoint; empty: the run begins
  int64_t epochs_before_ = 0;           // train.epochs of the checkpoint that the run goes on from; 0: it begins
  std::unique_ptr<StepGuard> guard_;
  LapTimer timer_;  // of the current step, as the device has worked
};

}  // namespace glint
