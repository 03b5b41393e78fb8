#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "glint/device/device.h"

namespace glint {

namespace {

// Events among the work: nothing waits until the intervals are asked for.
class EventClock final : public WorkClock {
 public:
  explicit EventClock(torch::Device device) : device_(device), guard_(device.type()) {}

  void mark() override {
    events_.emplace_back(device_.type(), c10::EventFlag::BACKEND_DEFAULT);  // the kind that keeps its time
    events_.back().record(guard_.getStream(device_));
  }

  std::vector<double> intervals() override {
    std::vector<double> seconds;
    if (!events_.empty()) events_.back().synchronize();
    for (std::size_t i = 1; i < events_.size(); ++i) seconds.push_back(events_[i - 1].elapsedTime(events_[i]) / 1e3);
    events_.clear();
    return seconds;
  }

 private:
  torch::Device device_;
  c10::impl::VirtualGuardImpl guard_;
  std::vector<c10::Event> events_;
};

}  // namespace

std::unique_ptr<WorkClock> make_work_clock(torch::Device device) {
  if (device.is_cpu()) return nullptr;
  return std::make_unique<EventClock>(device);
}

}  // namespace glint
