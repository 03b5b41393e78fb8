#include "support/environment.h"

#include <stdlib.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>

#include "glint/core/error.h"

namespace glint::test {

namespace fs = std::filesystem;

namespace {

// Folders with a case.json: `folder` itself or its children, by name.
void add_cases(const fs::path& folder, std::vector<fs::path>& cases) {
  if (fs::exists(folder / "case.json")) {
    cases.push_back(folder);
    return;
  }
  if (!fs::is_directory(folder)) return;
  std::vector<fs::path> children;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (fs::exists(entry.path() / "case.json")) children.push_back(entry.path());
  }
  std::sort(children.begin(), children.end());
  cases.insert(cases.end(), children.begin(), children.end());
}

}  // namespace

std::optional<fs::path> shared_dir() {
  const char* set = std::getenv("GLINT_SHARED_DIR");
  const fs::path path = set != nullptr ? fs::path(set) : fs::path("../shared");
  if (!fs::is_directory(path)) return std::nullopt;
  return path;
}

void say_left_out(const std::string& parts, const std::string& why) {
  std::fprintf(stderr, "left out: %s: %s\n", parts.c_str(), why.c_str());
}

std::vector<fs::path> golden_case_dirs() {
  std::vector<fs::path> cases;
  if (const char* set = std::getenv("GLINT_GOLDEN_DIR")) {
    std::istringstream folders(set);
    for (std::string folder; std::getline(folders, folder, ':');) {
      if (!folder.empty()) add_cases(folder, cases);
    }
    return cases;
  }
  add_cases("tests/golden", cases);
  if (const auto shared = shared_dir()) {
    std::vector<fs::path> more;
    add_cases(*shared / "golden", more);
    for (const auto& candidate : more) {
      const bool known = std::any_of(cases.begin(), cases.end(),
                                     [&](const fs::path& have) { return have.filename() == candidate.filename(); });
      if (!known) cases.push_back(candidate);
    }
  }
  return cases;
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "glint_test_XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw Error(name, ": a temporary folder cannot be made");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // a test that left a folder read-only keeps its own verdict
  fs::remove_all(path_, ignored);
}

}  // namespace glint::test
