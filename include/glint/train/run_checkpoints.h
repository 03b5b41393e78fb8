#pragma once

#include <filesystem>
#include <future>
#include <memory>

#include "glint/config/config.h"
#include "glint/core/thread_pool.h"
#include "glint/text/tokenizer.h"
#include "glint/train/checkpoint.h"

namespace glint {

// The checkpoints of a run that is being trained: checkpoints/step_000120, with the links last and best. A checkpoint
// is written in the background from a copy, so that training goes on meanwhile; one is written at a time.
class RunCheckpoints {
 public:
  RunCheckpoints(const Config& config, std::shared_ptr<const Tokenizer> tokenizer);
  ~RunCheckpoints();  // waits for what is being written
  RunCheckpoints(const RunCheckpoints&) = delete;
  RunCheckpoints& operator=(const RunCheckpoints&) = delete;

  // Finds the memory of the copies to come, in the background: the first one then takes no longer than the others.
  void reserve(const TrainTensors& tensors);

  // Copies the tensors and comes back. Waits before where the checkpoint before is still being written, and throws what
  // that met.
  void save(const TrainTensors& tensors, const TrainState& state);

  // Throws the Error of a checkpoint that could not be written; does not wait.
  void check();
  // Until all is on the disk. Throws the Error where it could not be written.
  void wait();

 private:
  void make_room(const TrainTensors& tensors);
  void write(const TrainState& state) const;
  void drop_old(const TrainState& state) const;

  Config config_;
  std::filesystem::path run_dir_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  TrainTensors copy_;  // of the newest checkpoint, kept from one to the next: new memory costs more than the copying
  std::future<void> writing_;
  ThreadPool writer_{1};  // last: its thread ends before what it uses
};

}  // namespace glint
