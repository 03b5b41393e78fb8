#pragma once

#include <cstdint>
#include <optional>

namespace glint::app {

// How much more memory than at its construction the process has had in use at one time since then, as the system
// counts it: all threads, all libraries. One at a time.
class ResidentPeak {
 public:
  ResidentPeak();
  std::optional<std::int64_t> bytes() const;  // none where the system does not tell

 private:
  std::optional<std::int64_t> before_;
};

// What the process has in use now.
std::optional<std::int64_t> resident_bytes();

}  // namespace glint::app
