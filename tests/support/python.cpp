#include "support/python.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "glint/core/error.h"
#include "support/environment.h"

namespace glint::test {

namespace fs = std::filesystem;

namespace {

// The interpreter of the environment that LibTorch's wheel lies in: <environment>/lib/python3.x/site-packages/torch.
fs::path wheel_python() {
  return (fs::path(GLINT_LIBTORCH_DIR) / "../../../../bin/python").lexically_normal();
}

}  // namespace

bool python_reads_safetensors() {
  return fs::exists(wheel_python()) && run_python("import safetensors, numpy");
}

bool run_python(const std::string& code, const std::string& argument) {
  const auto command = wheel_python().string() + " -c \"" + code + "\" \"" + argument + "\" 2>&1";
  return std::system(command.c_str()) == 0;
}

bool has_test_python() {
  const char* python = std::getenv("GLINT_TEST_PYTHON");
  return python != nullptr && *python != 0;
}

bool run_test_python(const std::string& script, const std::vector<std::string>& arguments) {
  const TemporaryFolder folder;
  const auto file = folder / "script.py";
  std::ofstream(file) << script;
  // Nothing is fetched, whatever the script asks for by name.
  auto command = concat("HF_HUB_OFFLINE=1 '", std::getenv("GLINT_TEST_PYTHON"), "' '", file.string(), "'");
  for (const auto& argument : arguments) command += concat(" '", argument, "'");
  return std::system((command + " 2>&1").c_str()) == 0;
}

}  // namespace glint::test
