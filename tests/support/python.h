#pragma once

#include <string>

namespace glint::test {

// Whether the Python that LibTorch's wheel was installed for is there, with safetensors and numpy. A test that needs it
// does: `if (!python_reads_safetensors()) GTEST_SKIP() << kNoPython;`
bool python_reads_safetensors();
constexpr auto kNoPython = "no Python with safetensors and numpy beside LibTorch; scripts/setup installs it";

// Runs `code` (without double quotes, $ and `) there with `argument` as sys.argv[1]. -> whether it ended well; what it
// prints goes to the test's output.
bool run_python(const std::string& code, const std::string& argument = "");

}  // namespace glint::test
