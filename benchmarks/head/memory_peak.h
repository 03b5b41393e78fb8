#pragma once

#include <c10/core/Allocator.h>

#include <cstdint>

namespace glint::bench {

// The most bytes that CPU tensors made since its construction held at one time, in any thread, while it lives. Buffers
// of the matrix libraries are not tensors. One at a time.
class MemoryPeak {
 public:
  MemoryPeak();
  ~MemoryPeak();
  MemoryPeak(const MemoryPeak&) = delete;
  MemoryPeak& operator=(const MemoryPeak&) = delete;
  int64_t bytes() const;

 private:
  c10::Allocator* replaced_;
};

}  // namespace glint::bench
