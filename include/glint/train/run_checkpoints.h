#pragma once

#include <filesystem>
#include <future>
#include <memory>
#include <vector>

#include "glint/config/config.h"
#include "glint/core/thread_pool.h"
#include "glint/text/tokenizer.h"
#include "glint/weights/checkpoint.h"

namespace glint {

class Snapshot;  // src/train/snapshot.h

// The checkpoints of a run that is being trained: checkpoints/step_000120, with the links last and best. A checkpoint
// is written in the background while training goes on; one is written at a time.
class RunCheckpoints {
 public:
  // Throws Error where the folder takes no files: better known now than when the first checkpoint is due.
  RunCheckpoints(const Config& config, std::shared_ptr<const Tokenizer> tokenizer);
  ~RunCheckpoints();  // waits for what is being written
  RunCheckpoints(const RunCheckpoints&) = delete;
  RunCheckpoints& operator=(const RunCheckpoints&) = delete;

  // Begins to write the tensors as they are now and comes back. Waits before where the checkpoint before is still being
  // written, and throws what that met.
  void save(const TrainTensors& tensors, const TrainState& state);

  // To be called before any of those tensors changes: copies what of them is not on its way to the disk yet.
  void before_change();

  // Throws the Error of a checkpoint that could not be written; does not wait.
  void check();
  // Until all is on the disk. Throws the Error where it could not be written.
  void wait();

 private:
  void write(const TrainState& state) const;
  void drop_old(const TrainState& state) const;

  Config config_;
  std::filesystem::path run_dir_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::vector<torch::Tensor> copies_;   // memory that snapshots use; none where no step was faster than the writing
  std::unique_ptr<Snapshot> snapshot_;  // of the checkpoint that is being written
  std::future<void> writing_;
  ThreadPool writer_{1};  // last: its thread ends before what it uses
};

}  // namespace glint
