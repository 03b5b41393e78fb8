#include <gtest/gtest.h>
#include <torch/torch.h>

#include "glint/io/safetensors.h"
#include "support/environment.h"
#include "support/python.h"

namespace glint::test {
namespace {

class SafetensorsPythonTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!python_reads_safetensors()) GTEST_SKIP() << kNoPython;
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
