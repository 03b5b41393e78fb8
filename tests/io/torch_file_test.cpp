#include "glint/io/torch_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>
#include <unistd.h>

#include <fstream>
#include <random>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "support/environment.h"

namespace glint::test {
namespace {

namespace fs = std::filesystem;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::ThrowsMessage;
using testing::UnorderedElementsAre;

// What make_samples.py made with PyTorch 2.11.
const fs::path kSamples = "tests/io/samples";

template <class Map>
std::vector<std::string> names(const Map& map) {
  std::vector<std::string> names;
  for (const auto& [name, value] : map) names.push_back(name);
  return names;
}

const void* storage(const torch::Tensor& tensor) {
  return tensor.storage().data();
}

class TorchSampleTest : public testing::TestWithParam<const char*> {};

TEST_P(TorchSampleTest, StateDictsOfAllTypesAndStridesAreReadExactly) {
  const auto file = read_torch_file(kSamples / concat("state_dict", GetParam(), ".pt"));
  const auto& tensors = file.tensors;
  EXPECT_EQ(tensors.size(), 17u);
  EXPECT_TRUE(file.scalars.empty() && file.others.empty());
  const auto grid = torch::arange(12, torch::kFloat32).reshape({3, 4}) / 4;  // [3, 4]
  for (const auto& [name, type] : std::map<std::string, torch::ScalarType>{
           {"f32", torch::kFloat32}, {"f64", torch::kFloat64}, {"f16", torch::kFloat16}, {"bf16", torch::kBFloat16}}) {
    EXPECT_EQ(tensors.at(name).scalar_type(), type) << name;
    EXPECT_TRUE(torch::equal(tensors.at(name).to(torch::kFloat32), grid)) << name;
  }
  const auto expect = [&](const std::string& name, const torch::Tensor& expected) {
    EXPECT_EQ(tensors.at(name).scalar_type(), expected.scalar_type()) << name;
    EXPECT_EQ(tensors.at(name).sizes(), expected.sizes()) << name;
    EXPECT_TRUE(torch::equal(tensors.at(name), expected)) << name;
  };
  expect("i64", torch::tensor({int64_t{1} << 62, int64_t{-1}}));
  expect("i32", torch::tensor({{-7}}, torch::kInt32));
  expect("i16", torch::tensor({300}, torch::kInt16));
  expect("i8", torch::tensor({-8}, torch::kInt8));
  expect("u8", torch::tensor({255}, torch::kUInt8));
  expect("bool", torch::tensor({true, false}));
  expect("tied", grid);
  expect("transposed", grid.t());
  expect("part", grid.slice(0, 1).slice(1, 0, 4, 2));
  expect("number", torch::tensor(2.5F));
  expect("empty", torch::empty({0, 3}));
  expect("repeated", torch::full({2, 3}, 1.5F));
  expect("parameter", grid[0]);
  EXPECT_EQ(storage(tensors.at("tied")), storage(tensors.at("transposed")));
  EXPECT_EQ(storage(tensors.at("tied")), storage(tensors.at("part")));
  EXPECT_NE(storage(tensors.at("tied")), storage(tensors.at("f32")));
}
INSTANTIATE_TEST_SUITE_P(Formats, TorchSampleTest, testing::Values("", "_legacy"));

class TorchCheckpointTest : public testing::TestWithParam<const char*> {};

TEST_P(TorchCheckpointTest, TrainingCheckpointsGiveWeightsNumbersAndTheNamesOfTheRest) {
  const auto file = read_torch_file(kSamples / concat("checkpoint", GetParam(), ".pt"));
  EXPECT_THAT(names(file.tensors),
              ElementsAre("optimizer/state/0/exp_avg", "optimizer/state/0/exp_avg_sq", "optimizer/state/0/step",
                          "optimizer/state/1/exp_avg", "optimizer/state/1/exp_avg_sq", "optimizer/state/1/step",
                          "state_dict/bias", "state_dict/weight"));
  EXPECT_EQ(file.tensors.at("state_dict/weight").sizes(), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(file.tensors.at("optimizer/state/1/step").item<float>(), 1);
  const std::map<std::string, Scalar> expected = {{"epoch", int64_t{7}},
                                                  {"args/lr", 0.125},
                                                  {"args/name", "run"},
                                                  {"args/sizes/1", int64_t{3}},
                                                  {"counts/seen/0", int64_t{3}},
                                                  {"shape/0", int64_t{4}},
                                                  {"optimizer/param_groups/0/lr", 0.5},
                                                  {"optimizer/param_groups/0/amsgrad", false},
                                                  {"optimizer/param_groups/0/params/1", int64_t{1}}};
  for (const auto& [name, value] : expected) {
    ASSERT_TRUE(file.scalars.contains(name)) << name;
    EXPECT_EQ(file.scalars.at(name), value) << name;
  }
  EXPECT_THAT(
      file.others,
      UnorderedElementsAre(
          Pair("best",
               AnyOf("object of class numpy._core.multiarray.scalar", "object of class numpy.core.multiarray.scalar")),
          Pair("rng", testing::StartsWith("object of class numpy.")), Pair("path", "object of class pathlib.PosixPath"),
          Pair("dtype", "torch.float16"), Pair("device", "object of class torch.device"),
          Pair("note", AnyOf("5 bytes", "object of class _codecs.encode")), Pair("(tuple as a key)", "passed over")));
}
INSTANTIATE_TEST_SUITE_P(Formats, TorchCheckpointTest, testing::Values("", "_legacy", "_protocol4"));

TEST(TorchScriptFileTest, ModulesBecomeStateDictNames) {
  const auto file = read_torch_file(kSamples / "clip.torchscript.pt");
  EXPECT_EQ(file.kind, "TorchScript");
  EXPECT_THAT(names(file.tensors), ElementsAre("context_length", "extra/k", "logit_scale", "tied",
                                               "visual.blocks.0.bias", "visual.blocks.0.weight", "visual.blocks.1.bias",
                                               "visual.blocks.1.weight", "visual.conv1.weight", "visual.mask"));
  EXPECT_EQ(file.tensors.at("visual.blocks.1.weight").sizes(), (std::vector<int64_t>{2, 4}));
  EXPECT_EQ(file.tensors.at("visual.blocks.1.weight").scalar_type(), torch::kFloat16);
  EXPECT_EQ(file.tensors.at("context_length").item<int64_t>(), 77);
  EXPECT_EQ(file.tensors.at("logit_scale").item<float>(), 4.5F);
  EXPECT_TRUE(torch::equal(file.tensors.at("visual.mask"), torch::tensor({true, false})));
  EXPECT_EQ(storage(file.tensors.at("tied")), storage(file.tensors.at("visual.blocks.0.weight")));
  EXPECT_EQ(std::get<int64_t>(file.scalars.at("input_resolution")), 224);
  EXPECT_EQ(std::get<int64_t>(file.scalars.at("vocab_size")), 49408);
  EXPECT_EQ(std::get<double>(file.scalars.at("scale")), 0.5);
  EXPECT_EQ(std::get<int64_t>(file.scalars.at("sizes/1")), 2);
}

TEST(TorchFileTest, TensorsOutliveTheFileAndMayBeWrittenTo) {
  const TemporaryFolder folder;
  fs::copy(kSamples / "state_dict.pt", folder / "a.pt");
  auto file = read_torch_file(folder / "a.pt");
  const auto before = read_file(folder / "a.pt");
  file.tensors.at("f32").add_(1);
  EXPECT_EQ(read_file(folder / "a.pt"), before);
  fs::remove(folder / "a.pt");
  EXPECT_EQ(file.tensors.at("f32")[2][3].item<float>(), 3.75F);
}

class DamagedTorchFileTest : public testing::TestWithParam<const char*> {
 protected:
  // Reads all that it may hold. -> what it was refused with; empty where it was not
  std::string read(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary) << bytes;
    try {
      for (const auto& [name, tensor] : read_torch_file(path_).tensors) tensor.clone();
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }
  void TearDown() override { fs::remove(path_); }

  const std::string whole_ = read_file(kSamples / GetParam());
  // In memory: a disk takes milliseconds for each of so many small files.
  const fs::path path_ = (fs::is_directory("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path()) /
                         concat("glint_test_", getpid(), "_bad.pt");
};

TEST_P(DamagedTorchFileTest, EveryCutIsRefused) {
  for (std::size_t size = 0; size < whole_.size(); ++size)
    EXPECT_THAT(read(whole_.substr(0, size)), HasSubstr("_bad.pt: ")) << size;
}

TEST_P(DamagedTorchFileTest, FlippedBitsEndInAnErrorOrInTensors) {
  std::mt19937 random(7);
  for (int i = 0; i < 1000; ++i) {
    auto bytes = whole_;
    for (std::size_t flips = random() % 3 + 1; flips > 0; --flips)
      bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
    read(bytes);
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, DamagedTorchFileTest,
                         testing::Values("state_dict.pt", "state_dict_legacy.pt", "checkpoint.pt",
                                         "checkpoint_legacy.pt", "clip.torchscript.pt"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace_if(
                               name.begin(), name.end(), [](char letter) { return std::isalnum(letter) == 0; }, '_');
                           return name;
                         });

TEST(TorchFileTest, AFlippedBitOfANumberInAnArchiveIsNoticed) {
  const TemporaryFolder folder;
  auto bytes = read_file(kSamples / "state_dict.pt");
  const auto numbers = bytes.find(std::string("\x00\x00\x80\x3e\x00\x00\x00\x3f", 8));  // 0.25, 0.5
  ASSERT_NE(numbers, std::string::npos);
  bytes[numbers] ^= 1;
  write_file(folder / "a.pt", bytes);
  EXPECT_THAT([&] { read_torch_file(folder / "a.pt"); },
              ThrowsMessage<Error>(HasSubstr("a.pt: state_dict/data/0 is damaged")));
}

TEST(TorchFileTest, WhatIsNoFileOfPyTorchIsASentence) {
  const TemporaryFolder folder;
  const auto expect_refused = [&](const std::string& bytes, const std::string& sentence) {
    write_file(folder / "a.pt", bytes);
    EXPECT_THAT([&] { read_torch_file(folder / "a.pt"); }, ThrowsMessage<Error>(HasSubstr("a.pt: " + sentence)));
  };
  expect_refused("\x01\x02", "is no file of torch.save's");
  expect_refused("", "is empty");
  expect_refused("{}", "is JSON text");
  expect_refused("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "is a Git LFS pointer");
  expect_refused("\x80\x02}.", "is a pickle, but not one that torch.save wrote");
  expect_refused(std::string(257, 'a') + "ustar" + std::string(500, 'a'), "is a tar archive, as PyTorch wrote before");
  expect_refused("PK\x03\x04", "is cut short: it begins as a zip archive");
  EXPECT_THAT([&] { read_torch_file(folder / "none.pt"); }, ThrowsMessage<Error>(HasSubstr("none.pt: No such file")));
}

}  // namespace
}  // namespace glint::test
