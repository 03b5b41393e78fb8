#include "glint/io/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <fstream>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::string with_header(const std::string& header, const std::string& data = "") {
  const std::uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), 8) + header + data;
}

class SafetensorsTest : public testing::Test {
 protected:
  void expect_refused(const std::string& bytes, const std::string& sentence) {
    const auto path = folder_ / "bad.safetensors";
    std::ofstream(path, std::ios::binary) << bytes;
    EXPECT_THAT([&] { read_safetensors(path); },
                ThrowsMessage<Error>(testing::AllOf(HasSubstr("bad.safetensors"), HasSubstr(sentence))));
  }
  TemporaryFolder folder_;
};

TEST_F(SafetensorsTest, WhatIsWrittenIsReadBack) {
  const auto values = torch::arange(6, torch::kFloat32).reshape({2, 3});
  const TensorMap tensors = {{"transposed", values.t()},
                             {"half", values.to(torch::kFloat16)},
                             {"ids", torch::tensor({1, -2}, torch::kInt64)},
                             {"none", torch::empty({0, 4})},
                             {"scalar", torch::tensor(2.5)}};
  write_safetensors(folder_ / "a.safetensors", tensors, {{"version", "1"}});
  const auto file = read_safetensors(folder_ / "a.safetensors");
  EXPECT_EQ(file.metadata.at("version"), "1");
  ASSERT_EQ(file.tensors.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(file.tensors.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(file.tensors.at(name), tensor)) << name;
  }
}

TEST_F(SafetensorsTest, AnyCutIsRefused) {
  const auto path = folder_ / "a.safetensors";
  write_safetensors(path, {{"w", torch::ones({5})}});
  const std::string whole = read_file(path);
  for (std::size_t size = 0; size < whole.size(); ++size) expect_refused(whole.substr(0, size), "");
}

TEST_F(SafetensorsTest, BadHeadersAreRefusedWithTheirReason) {
  expect_refused("", "is empty");
  expect_refused("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "is a Git LFS pointer");
  expect_refused("<!doctype html><html>", "is an HTML page");
  expect_refused(with_header("[1]"), "not a JSON object");
  expect_refused(with_header(std::string(100000, '[')), "nested too deeply");
  expect_refused(with_header("{\"w\": NaN}"), "(header):1: is not JSON: NaN is no number");
  expect_refused(with_header(R"({"w":{"dtype":"F8","shape":[1],"data_offsets":[0,1]}})", "x"), "unknown dtype");
  expect_refused(with_header(R"({"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "abcd"), "counts");
  expect_refused(with_header(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "abcd"), "does not fit");
  expect_refused(with_header(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "ab"), "cut short");
  expect_refused(with_header(R"({"w":{"dtype":"U8","shape":[4611686018427387904,8],"data_offsets":[0,0]}})"),
                 "impossible");
  expect_refused(with_header(R"({"w":{"dtype":"U8","shape":[0,4611686018427387904,8],"data_offsets":[0,0]}})"),
                 "impossible");
  expect_refused(
      with_header(
          R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
          "abc"),
      "overlap");
  expect_refused(with_header(R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "ab"), "belong to no tensor");
}

TEST_F(SafetensorsTest, NumbersThatDoNotBeginWhereTheirTypeWantsAreReadToo) {
  const auto path = folder_ / "odd.safetensors";
  std::ofstream(path, std::ios::binary) << with_header(
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})",
      std::string("\x07\x00\x00\x20\x40", 5));
  const auto file = read_safetensors(path);
  EXPECT_EQ(file.tensors.at("a").item<int>(), 7);
  EXPECT_EQ(file.tensors.at("b").item<float>(), 2.5F);
  expect_refused(with_header(R"({"w":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}})", "\x02"),
                 "a bool is neither 0 nor 1");
}

TEST_F(SafetensorsTest, TensorsOutliveTheFileAndMayBeWrittenTo) {
  const auto path = folder_ / "a.safetensors";
  write_safetensors(path, {{"w", torch::ones({5})}});
  const auto before = read_file(path);
  const auto file = read_safetensors(path);
  file.tensors.at("w").add_(1);
  EXPECT_EQ(read_file(path), before);
  std::filesystem::remove(path);
  EXPECT_TRUE(torch::equal(file.tensors.at("w"), torch::full({5}, 2.0F)));
}

TEST_F(SafetensorsTest, AMissingFileIsNamed) {
  EXPECT_THAT([&] { read_safetensors(folder_ / "none.safetensors"); },
              ThrowsMessage<Error>(HasSubstr("none.safetensors: No such file")));
}

}  // namespace
}  // namespace glint::test
