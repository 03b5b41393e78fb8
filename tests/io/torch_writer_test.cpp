#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/io/torch_file.h"
#include "support/environment.h"

namespace glint::test {
namespace {

TensorMap all_kinds() {
  const auto shared = torch::arange(24, torch::kFloat32).reshape({4, 6});
  TensorMap tensors = {{"a.weight", shared},
                       {"a.tied", shared},
                       {"b.transposed", shared.t()},
                       {"b.part", shared.slice(0, 1, 4, 2).slice(1, 2)},
                       {"alone.part", torch::arange(100).slice(0, 10, 90, 7)},
                       {"number", torch::tensor(2.5)},
                       {"empty", torch::empty({0, 3})},
                       {"grad", torch::ones({2}, torch::requires_grad())},
                       {"repeated", torch::tensor({1.5F}).expand({2, 3})}};
  for (const auto type : {torch::kFloat64, torch::kFloat16, torch::kBFloat16, torch::kInt64, torch::kInt32,
                          torch::kInt16, torch::kInt8, torch::kUInt8, torch::kBool})
    tensors[concat("type.", type)] = torch::tensor({0, 1, 1}).to(type);
  return tensors;
}

TEST(TorchWriterTest, WhatIsWrittenIsReadBack) {
  const TemporaryFolder folder;
  const auto tensors = all_kinds();
  write_torch_file(folder / "a.pt", tensors);
  const auto file = read_torch_file(folder / "a.pt");
  EXPECT_EQ(file.kind, "torch.save");
  ASSERT_EQ(file.tensors.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(file.tensors.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_EQ(file.tensors.at(name).sizes(), tensor.sizes()) << name;
    EXPECT_TRUE(torch::equal(file.tensors.at(name), tensor)) << name;
  }
  const auto storage = [&](const std::string& name) { return file.tensors.at(name).storage().data(); };
  EXPECT_EQ(storage("a.weight"), storage("a.tied"));
  EXPECT_EQ(storage("a.weight"), storage("b.transposed"));
  EXPECT_EQ(storage("a.weight"), storage("b.part"));
  EXPECT_EQ(file.tensors.at("alone.part").storage().nbytes(), 12 * 8u);  // the part, not the whole
}

TEST(TorchWriterTest, EqualTensorsGiveEqualFiles) {
  const TemporaryFolder folder;
  write_torch_file(folder / "a.pt", all_kinds());
  write_torch_file(folder / "b.pt", all_kinds());
  EXPECT_EQ(read_file(folder / "a.pt"), read_file(folder / "b.pt"));
}

TEST(TorchWriterTest, NumbersBeginAtMultiplesOf64Bytes) {
  const TemporaryFolder folder;
  write_torch_file(folder / "a.pt", all_kinds());
  for (const auto& [name, tensor] : read_torch_file(folder / "a.pt").tensors) {
    // The map begins at a page, so places in memory are places in the file.
    if (tensor.numel() == 0) continue;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.storage().data()) % 64, 0u) << name;
  }
}

TEST(TorchWriterTest, NoTensorsAreAFileToo) {
  const TemporaryFolder folder;
  write_torch_file(folder / "a.pt", {});
  EXPECT_TRUE(read_torch_file(folder / "a.pt").tensors.empty());
}

}  // namespace
}  // namespace glint::test
