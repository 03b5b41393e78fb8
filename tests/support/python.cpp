#include "support/python.h"

#include <cstdlib>
#include <filesystem>

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

}  // namespace glint::test
