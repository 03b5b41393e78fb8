#pragma once

#include <filesystem>

namespace glint {

// Note [temporary names]: what is being written stands beside its place under ".tmp-MACHINE-RANDOM" behind its name,
// and its writer holds a lock on it. So no two writers, here or on another machine, meet under one name, and what a
// kill -9 has left behind can be told from what is being written: nobody locks it. The next writer in that folder takes
// it away.

// A file of its own, opened for writing and locked.
struct TemporaryFile {
  std::filesystem::path path;
  int descriptor = -1;
};
// Beside `final_path`, whose folder must exist. Throws Error or NotNow naming `final_path`. Sweeps the folder before.
TemporaryFile open_temporary_file(const std::filesystem::path& final_path);

// A folder of its own beside `final_path`; goes with the object where it was not renamed.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::filesystem::path& final_path);  // as open_temporary_file()
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

// Takes away what killed writers left in `folder`; once a folder in the life of this process, as it lists it. What
// cannot be taken away stays, without a word.
void sweep_temporaries(const std::filesystem::path& folder);

}  // namespace glint
