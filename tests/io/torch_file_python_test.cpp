#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "glint/core/error.h"
#include "glint/io/torch_file.h"
#include "support/environment.h"
#include "support/python.h"

// Slow: each test starts Python with torch.

namespace glint::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

class TorchFilePythonTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_test_python()) GTEST_SKIP() << kNoTestPython;
  }
  bool run(const std::string& script) { return run_test_python(script, {folder_.path().string()}); }

  // The file holds exactly the tensors of expected.safetensors.
  void expect_equal(const std::string& file) {
    const auto expected = read_safetensors(folder_ / "expected.safetensors").tensors;
    const auto read = read_torch_file(folder_ / file).tensors;
    EXPECT_EQ(read.size(), expected.size()) << file;
    for (const auto& [name, tensor] : expected) {
      ASSERT_TRUE(read.contains(name)) << file << ": " << name;
      EXPECT_EQ(read.at(name).scalar_type(), tensor.scalar_type()) << file << ": " << name;
      EXPECT_TRUE(torch::equal(read.at(name), tensor)) << file << ": " << name;
    }
  }
  const TemporaryFolder folder_;
};

TEST_F(TorchFilePythonTest, WhatTorchSavesIsReadInEveryFormatTypeAndStride) {
  ASSERT_TRUE(run(R"(
import sys, torch
from safetensors.torch import save_file
torch.manual_seed(3)
folder = sys.argv[1] + '/'
tensors = {}
for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
              torch.uint8, torch.bool):
    t = (torch.randn(4, 5, 6) * 50).to(dtype)
    name = str(dtype)
    tensors.update({name + '.plain': t, name + '.tied': t, name + '.permuted': t.permute(2, 0, 1), name + '.part': t[1:3, ::2, 3],
                    name + '.expanded': t[0, :, :1].expand(5, 7), name + '.number': t[0, 0, 0], name + '.empty': t[:0],
                    name + '.parameter': torch.nn.Parameter(t.clone(), requires_grad=dtype.is_floating_point)})
save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()}, folder + 'expected.safetensors')
torch.save(tensors, folder + 'zip.pt')
torch.save(tensors, folder + 'protocol5.pt', pickle_protocol=5)
torch.save(tensors, folder + 'legacy.pt', _use_new_zipfile_serialization=False)
torch.save(tensors, folder + 'legacy3.pt', _use_new_zipfile_serialization=False, pickle_protocol=3)
torch.save(tensors, folder + 'legacy4.pt', _use_new_zipfile_serialization=False, pickle_protocol=4)
torch.serialization.set_crc32_options(False)
torch.save(tensors, folder + 'no_checksums.pt')
)"));
  for (const auto* file : {"zip.pt", "protocol5.pt", "legacy.pt", "legacy3.pt", "legacy4.pt", "no_checksums.pt"}) {
    expect_equal(file);
    const auto read = read_torch_file(folder_ / file).tensors;
    EXPECT_EQ(read.at("torch.float16.plain").storage().data(), read.at("torch.float16.tied").storage().data()) << file;
    EXPECT_EQ(read.at("torch.float16.plain").storage().data(), read.at("torch.float16.permuted").storage().data());
  }
}

TEST_F(TorchFilePythonTest, TorchScriptGivesTheNamesAndNumbersOfItsStateDict) {
  ASSERT_TRUE(run(R"(
import sys, torch
from safetensors.torch import save_file
torch.manual_seed(3)
folder = sys.argv[1] + '/'
encoder = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 3, enable_nested_tensor=False)
model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 2), torch.nn.BatchNorm2d(4), torch.nn.Flatten(2), encoder).eval()
traced = torch.jit.trace(model, torch.randn(1, 3, 5, 3), check_trace=False)
model.half()
traced.half()
traced.save(folder + 'traced.pt')
state = torch.jit.load(folder + 'traced.pt').state_dict()
assert state.keys() == model.state_dict().keys()
save_file({k: v.clone().contiguous() for k, v in state.items()}, folder + 'expected.safetensors')
)"));
  expect_equal("traced.pt");
  EXPECT_EQ(read_torch_file(folder_ / "traced.pt").kind, "TorchScript");
}

TEST_F(TorchFilePythonTest, TorchLoadOpensWhatWeWriteAsPlainWeights) {
  const auto shared = torch::randn({4, 6});
  TensorMap tensors = {{"a.weight", shared},
                       {"a.tied", shared},
                       {"a.transposed", shared.t()},
                       {"a.part", shared.slice(0, 1, 4, 2).slice(1, 2)},
                       {"alone", torch::randn({7, 9}).slice(1, 2, 8, 3)},
                       {"number", torch::tensor(2.5)},
                       {"empty", torch::empty({0, 3})},
                       {"expanded", torch::randn({1, 3}).expand({4, 3})}};
  for (const auto type : {torch::kFloat64, torch::kFloat16, torch::kBFloat16, torch::kInt64, torch::kInt32,
                          torch::kInt16, torch::kInt8, torch::kUInt8, torch::kBool})
    tensors[concat("type.", type)] = torch::randint(0, 2, {5}).to(type);
  write_torch_file(folder_ / "ours.pt", tensors);
  write_safetensors(folder_ / "expected.safetensors", tensors);
  EXPECT_TRUE(run(R"(
import sys, collections, torch
from safetensors.torch import load_file
expected = load_file(sys.argv[1] + '/expected.safetensors')
for mmap in (False, True):
    read = torch.load(sys.argv[1] + '/ours.pt', weights_only=True, mmap=mmap)
    assert type(read) is collections.OrderedDict and list(read) == sorted(expected), list(read)
    for name, tensor in expected.items():
        assert read[name].dtype == tensor.dtype and torch.equal(read[name], tensor), name
    start = lambda name: read[name].untyped_storage().data_ptr()
    assert start('a.weight') == start('a.tied') == start('a.transposed') == start('a.part') != start('alone')
    assert start('alone') % 64 == 0 or not mmap
torch.nn.Linear(6, 4).load_state_dict({'weight': read['a.weight'], 'bias': torch.zeros(4)})
)"));
}

TEST_F(TorchFilePythonTest, PicklesThatRunCodeAreRefusedByName) {
  ASSERT_TRUE(run(R"(
import os, pickle, sys, torch
folder = sys.argv[1] + '/'
class Call:
    def __init__(self, function, *arguments): self.call = (function, arguments)
    def __reduce__(self): return self.call
class Model(torch.nn.Linear): pass
for name, value in {'system': Call(os.system, 'touch ' + folder + 'harm'), 'eval': Call(eval, '1'), 'getattr': Call(getattr, 'text', 'upper'),
                    'hidden': {'w': torch.ones(2), 'x': [Call(exec, 'pass')]}, 'model': Model(2, 2)}.items():
    torch.save(value, folder + name + '.pt')
    torch.save(value, folder + name + '_legacy.pt', _use_new_zipfile_serialization=False)
)"));
  for (const auto& [name, callee] : std::map<std::string, std::string>{{"system", "posix.system"},
                                                                       {"eval", "eval"},
                                                                       {"getattr", "getattr"},
                                                                       {"hidden", "exec"},
                                                                       {"model", "__main__.Model"}}) {
    for (const auto* format : {".pt", "_legacy.pt"}) {
      const auto path = folder_ / concat(name, format);
      EXPECT_THAT([&] { read_torch_file(path); },
                  ThrowsMessage<Error>(AllOf(HasSubstr(path.string()), HasSubstr("the pickle "), HasSubstr(callee))));
    }
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "harm"));
}

TEST_F(TorchFilePythonTest, ArchivesOfManyMembersAreReadBothWays) {
  TensorMap tensors;  // one more than fit into an old table of contents
  for (int i = 0; i < 66'000; ++i) tensors[concat("t", i)] = torch::full({}, i, torch::kInt32);
  write_torch_file(folder_ / "ours.pt", tensors);
  ASSERT_TRUE(run(R"(
import sys, torch
read = torch.load(sys.argv[1] + '/ours.pt', weights_only=True)
assert len(read) == 66000 and all(int(read[f't{i}']) == i for i in range(66000))
torch.save(read, sys.argv[1] + '/theirs.pt')
)"));
  const auto theirs = read_torch_file(folder_ / "theirs.pt").tensors;
  ASSERT_EQ(theirs.size(), tensors.size());
  EXPECT_EQ(theirs.at("t65999").item<int>(), 65'999);
}

}  // namespace
}  // namespace glint::test
