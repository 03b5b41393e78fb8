#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace glint {

// One event file of TensorBoard's: scalars over steps. A file is written for each start of a run; TensorBoard reads all
// files of a folder as one run. Each event is on its way to the disk when scalar() returns, and a file that ends in the
// middle of one is read up to it, so that a killed run loses nothing.
class EventLog {
 public:
  // Begins a file in `folder`, which is made where it is missing. `step`: how far the run has come; what earlier starts
  // wrote of later steps is not shown. Throws Error where the file cannot be written.
  explicit EventLog(const std::filesystem::path& folder, int64_t step = 0);

  // `name` "train/loss": TensorBoard groups by what stands before the slash. Kept in single precision; may be NaN.
  // `wall_time_s`: since 1970. Throws Error where the disk is full.
  void scalar(const std::string& name, double value, int64_t step, double wall_time_s);

  const std::filesystem::path& path() const { return path_; }

 private:
  void write(const std::string& event);

  std::filesystem::path path_;
  std::ofstream out_;
};

}  // namespace glint
