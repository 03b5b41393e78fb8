#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "glint/core/atomic_file.h"
#include "glint/weights/checkpoint.h"

namespace glint {

// The tensors of a training as they were at one moment, for one thread that writes them down while the training goes
// on. Nothing is copied until the training is about to change them, and then only what has not been written by then:
// where a step takes longer than the writing, nothing ever is. A GPU's tensors are copied at once, into pinned memory.
class Snapshot {
 public:
  // Memory of copies, kept from one snapshot to the next: to find it takes the system longer than the copying.
  using Copies = std::vector<torch::Tensor>;

  // `copies` outlives it.
  Snapshot(TrainTensors tensors, Copies& copies);

  const TrainTensors& tensors() const { return tensors_; }

  // The writer's: one of tensors() as it was, each once.
  void write(const torch::Tensor& tensor, AtomicFile& file);

  // The writer's, at its end: where something had to be copied this time, finds the memory to copy all of it next time.
  void make_room();

  // The training's, before it changes any of them. Waits for no disk. Where it is forgotten, the versions that autograd
  // keeps of a tensor tell write(), a Bug.
  void detach();

 private:
  class Turn;
  struct Part {
    torch::Tensor values;      // CPU, contiguous: the training's own, or a copy; changes hands with mutex_ held
    std::size_t bytes;         // of `values`, whichever they are: read without mutex_
    std::int64_t version = 0;  // of the training's own
    std::size_t copy;          // its place in copies_
    bool is_copy = false;
    std::size_t read = 0;  // bytes
  };

  void add(const TensorMap& map, torch::Device& device);
  std::size_t read_piece(Part& part, char* to);

  TrainTensors tensors_;
  Copies& copies_;
  std::unordered_map<const void*, Part> parts_;  // by the tensor
  std::mutex mutex_;                             // of parts_ and copies_
  std::atomic<bool> detaching_ = false;          // the training waits for its turn, which comes first
  std::condition_variable turn_;
};

}  // namespace glint
