#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace glint::test {

// Real videos and annotation files: GLINT_SHARED_DIR, else ../shared beside the checkout; none where it is missing.
// A test that needs them does: `const auto shared = shared_dir(); if (!shared) GTEST_SKIP() << kNoSharedDir;`
std::optional<std::filesystem::path> shared_dir();
constexpr auto kNoSharedDir = "no shared data; GLINT_SHARED_DIR or ../shared would hold them";

// For a test that checks all but `parts`: says so on standard error, in a line that scripts/count_tests.py counts.
void say_left_out(const std::string& parts, const std::string& why = kNoSharedDir);

// Folders that hold golden cases (each case a folder with case.json): those of GLINT_GOLDEN_DIR (colon-separated), else
// tests/golden of the checkout and, where it is there, shared_dir()/golden.
std::vector<std::filesystem::path> golden_case_dirs();

// A fresh folder that the destructor removes.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::filesystem::path& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace glint::test
