#include "app/resident_peak.h"

#include <algorithm>
#include <fstream>
#include <string>

namespace glint::app {
namespace {

// A line of /proc/self/status: "VmRSS:     1234 kB".
std::optional<std::int64_t> status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key + ":")) return std::stoll(line.substr(key.size() + 1)) * 1024;
  }
  return std::nullopt;
}

}  // namespace

ResidentPeak::ResidentPeak() {
  std::ofstream reset("/proc/self/clear_refs");
  reset << "5";  // the peak begins anew
  reset.close();
  if (reset) before_ = resident_bytes();
}

std::optional<std::int64_t> ResidentPeak::bytes() const {
  const auto peak = status_bytes("VmHWM");
  if (!before_ || !peak) return std::nullopt;
  return std::max<std::int64_t>(0, *peak - *before_);
}

std::optional<std::int64_t> resident_bytes() {
  return status_bytes("VmRSS");
}

}  // namespace glint::app
