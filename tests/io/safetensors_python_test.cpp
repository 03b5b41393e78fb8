#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "glint/io/safetensors.h"
#include "support/environment.h"

namespace glint::test {
namespace {

namespace fs = std::filesystem;

// The interpreter of the environment that LibTorch's wheel lies in: <environment>/lib/python3.x/site-packages/torch.
fs::path wheel_python() {
  return (fs::path(GLINT_LIBTORCH_DIR) / "../../../../bin/python").lexically_normal();
}

bool run_python(const std::string& code, const std::string& arguments = "") {
  const auto command = wheel_python().string() + " -c \"" + code + "\" " + arguments + " 2>&1";
  return std::system(command.c_str()) == 0;
}

class SafetensorsPythonTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(wheel_python()) || !run_python("import safetensors, numpy")) {
      GTEST_SKIP() << "no Python with safetensors and numpy beside LibTorch; scripts/setup installs it";
    }
  }
  TemporaryFolder folder_;
};

TEST_F(SafetensorsPythonTest, PythonOpensWhatWeWrite) {
  const auto path = folder_ / "ours.safetensors";
  write_safetensors(path,
                    {{"w", torch::arange(6, torch::kFloat32).reshape({2, 3}) / 2},
                     {"half", torch::full({3}, 0.25, torch::kFloat16)},
                     {"ids", torch::tensor({1, -2}, torch::kInt64)},
                     {"none", torch::empty({0, 4})}},
                    {{"format", "pt"}});
  EXPECT_TRUE(
      run_python("import sys, numpy as np\n"
                 "from safetensors import safe_open\n"
                 "with safe_open(sys.argv[1], 'np') as f:\n"
                 "    assert f.metadata() == {'format': 'pt'}, f.metadata()\n"
                 "    t = {k: f.get_tensor(k) for k in f.keys()}\n"
                 "assert sorted(t) == ['half', 'ids', 'none', 'w'], sorted(t)\n"
                 "assert t['w'].dtype == np.float32 and (t['w'] == np.arange(6).reshape(2, 3) / 2).all()\n"
                 "assert t['half'].dtype == np.float16 and (t['half'] == 0.25).all()\n"
                 "assert t['ids'].tolist() == [1, -2] and t['none'].shape == (0, 4)\n",
                 path.string()));
}

TEST_F(SafetensorsPythonTest, WeOpenWhatPythonWrites) {
  const auto path = folder_ / "theirs.safetensors";
  ASSERT_TRUE(
      run_python("import sys, numpy as np\n"
                 "from safetensors.numpy import save_file\n"
                 "save_file({'b': np.arange(5, dtype=np.float64), 'a': np.ones((2, 1), dtype=np.uint8)}, sys.argv[1], "
                 "metadata={'by': 'python'})\n",
                 path.string()));
  const auto file = read_safetensors(path);
  EXPECT_EQ(file.metadata.at("by"), "python");
  ASSERT_EQ(file.tensors.size(), 2u);
  EXPECT_TRUE(torch::equal(file.tensors.at("b"), torch::arange(5, torch::kFloat64)));
  EXPECT_TRUE(torch::equal(file.tensors.at("a"), torch::ones({2, 1}, torch::kUInt8)));
}

}  // namespace
}  // namespace glint::test
