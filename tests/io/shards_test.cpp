#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/io/torch_file.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using testing::ThrowsMessage;

class ShardsTest : public testing::Test {
 protected:
  void SetUp() override {
    const TensorMap first = {{"a", torch::ones({2})}, {"b", torch::zeros({3})}},
                    second = {{"c", torch::full({4}, 2.0F)}};
    write_safetensors(folder_ / "1.safetensors", first);
    write_safetensors(folder_ / "2.safetensors", second);
    write_torch_file(folder_ / "1.bin", first);
    write_torch_file(folder_ / "2.bin", second);
  }
  TensorMap read(const std::string& json) {
    write_file(folder_ / "x.index.json", json);
    return read_safetensors_index(folder_ / "x.index.json");
  }
  void expect_refused(const std::string& json, const std::string& sentence) {
    EXPECT_THAT([&] { read(json); }, ThrowsMessage<Error>(HasSubstr(sentence)));
  }
  const TemporaryFolder folder_;
};

TEST_F(ShardsTest, TheTensorsOfAllFilesAreRead) {
  const auto tensors = read(R"({"metadata": {"total_size": 36}, "weight_map":
                            {"a": "1.safetensors", "b": "1.safetensors", "c": "2.safetensors"}})");
  EXPECT_THAT(tensors, SizeIs(3));
  EXPECT_EQ(tensors.at("c")[3].item<float>(), 2);
  write_file(folder_ / "bin.json", R"({"weight_map": {"a": "1.bin", "b": "1.bin", "c": "2.bin"}})");
  EXPECT_THAT(read_torch_index(folder_ / "bin.json"), SizeIs(3));
}

TEST_F(ShardsTest, EveryTensorThatIsMissingOrSpareIsNamed) {
  expect_refused(
      R"({"weight_map": {"a": "1.safetensors", "b": "2.safetensors", "c": "2.safetensors", "d": "1.safetensors"}})",
      "x.index.json: lists tensors that its files lack: d (1.safetensors), b (2.safetensors)");
  expect_refused(R"({"weight_map": {"c": "2.safetensors", "a": "1.safetensors"}})",
                 "x.index.json: does not list tensors of its files: b (1.safetensors)");
}

TEST_F(ShardsTest, WhatIsNoIndexIsASentence) {
  expect_refused("", "x.index.json:1: is not JSON: it is empty");
  expect_refused("[]", "x.index.json: is not a JSON object but a list");
  expect_refused(R"({"weight_map": []})", "is no index of weights");
  expect_refused(R"({"weight_map": {"a": 1}})", "tensor 'a' is said to be in 1, which is no file's name");
  expect_refused(R"({"weight_map": {"a": "../1.safetensors"}})", "which is no file's name");
  expect_refused(R"({"weight_map": {"a": "3.safetensors"}})", "3.safetensors: No such file");
  expect_refused(std::string(100'000, '['), "is nested too deeply");
}

}  // namespace
}  // namespace glint::test
