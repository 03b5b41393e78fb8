#pragma once

#include <string>
#include <vector>

namespace glint::test {

// Whether the Python that LibTorch's wheel was installed for is there, with safetensors and numpy. A test that needs it
// does: `if (!python_reads_safetensors()) GTEST_SKIP() << kNoPython;`
bool python_reads_safetensors();
constexpr auto kNoPython = "no Python with safetensors and numpy beside LibTorch; scripts/setup installs it";

// Runs `code` (without double quotes, $ and `) there with `argument` as sys.argv[1]. -> whether it ended well; what it
// prints goes to the test's output.
bool run_python(const std::string& code, const std::string& argument = "");

// Whether there is the Python of the slow tests: the one that GLINT_TEST_PYTHON names, with torch, transformers and
// open_clip. A slow test does: `if (!has_test_python()) GTEST_SKIP() << kNoTestPython;`
bool has_test_python();
constexpr auto kNoTestPython = "GLINT_TEST_PYTHON is not set; scripts/test --full sets it for the slow tests";

// Runs a script there with sys.argv[1:] as given. -> whether it ended well; what it prints goes to the test's output.
bool run_test_python(const std::string& script, const std::vector<std::string>& arguments = {});

}  // namespace glint::test
