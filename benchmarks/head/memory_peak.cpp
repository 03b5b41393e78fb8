#include "head/memory_peak.h"

#include <c10/core/CPUAllocator.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>

namespace glint::bench {

namespace {

constexpr uint8_t kAboveAll = 255;  // LibTorch keeps the allocator of the highest priority

// Hands on what the allocator before it gives, and counts it until it is given back. A block's context is its address,
// as LibTorch's raw allocations ask.
class CountingAllocator final : public c10::Allocator {
 public:
  static CountingAllocator& only() {
    static CountingAllocator allocator(c10::GetCPUAllocator());
    return allocator;
  }

  c10::DataPtr allocate(std::size_t bytes) override {
    void* data = source_->raw_allocate(bytes);
    const std::lock_guard lock(mutex_);
    sizes_[data] = static_cast<int64_t>(bytes);
    held_ += static_cast<int64_t>(bytes);
    peak_ = std::max(peak_, held_);
    return {data, data, &give_back, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &give_back; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { default_copy_data(to, from, bytes); }

  void start() {
    const std::lock_guard lock(mutex_);
    held_ = peak_ = 0;
  }
  int64_t peak() {
    const std::lock_guard lock(mutex_);
    return peak_;
  }

 private:
  explicit CountingAllocator(c10::Allocator* source) : source_(source) {}

  static void give_back(void* data) {
    auto& self = only();
    {
      const std::lock_guard lock(self.mutex_);
      const auto block = self.sizes_.extract(data);
      if (!block.empty()) self.held_ -= block.mapped();
    }
    self.source_->raw_deallocate(data);
  }

  c10::Allocator* source_;
  std::mutex mutex_;
  std::unordered_map<void*, int64_t> sizes_;
  int64_t held_ = 0, peak_ = 0;
};

}  // namespace

MemoryPeak::MemoryPeak() : replaced_(c10::GetCPUAllocator()) {
  auto& counting = CountingAllocator::only();
  counting.start();
  c10::SetCPUAllocator(&counting, kAboveAll);
}

MemoryPeak::~MemoryPeak() {
  c10::SetCPUAllocator(replaced_, kAboveAll);
}

int64_t MemoryPeak::bytes() const {
  return CountingAllocator::only().peak();
}

}  // namespace glint::bench
