#include "glint/weights/torchscript.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/script.h>
#include <torch/torch.h>

#include <fstream>

#include "glint/core/error.h"
#include "glint/io/torch_file.h"
#include "support/environment.h"
#include "support/small_clip.h"

namespace glint::test {
namespace {

TensorMap parameters_of(const Towers& towers) {
  TensorMap weights;
  for (const auto& item : towers.named_parameters()) weights[item.key()] = item.value().detach();
  return weights;
}

// Noise on every weight, so that none is 0 or 1 by its start.
std::shared_ptr<Towers> noisy_towers(const TowerSizes& sizes) {
  torch::NoGradGuard no_grad;
  torch::manual_seed(3);
  auto towers = make_towers(sizes);
  for (auto& parameter : towers->parameters()) parameter.add_(torch::randn_like(parameter) * 0.05);
  return towers;
}

class TorchScriptTest : public testing::Test {
 protected:
  void expect_close(const torch::Tensor& got, const torch::Tensor& want, const char* what) {
    ASSERT_EQ(got.sizes(), want.sizes()) << what;
    EXPECT_LE((got - want).abs().max().item<double>(), 1e-5) << what;
    EXPECT_GT(want.abs().max().item<double>(), 0.01) << what;
  }

  void expect_same_embeddings(const TowerSizes& sizes, TextMask style) {
    torch::NoGradGuard no_grad;
    const auto towers = noisy_towers(sizes);
    write_torchscript(folder_ / "towers.pt", parameters_of(*towers), sizes, style);
    auto script = torch::jit::load((folder_ / "towers.pt").string());
    const auto frames = torch::randint(0, 256, {5, 3, sizes.image_size, sizes.image_size}, torch::kUInt8);
    const auto pixels = script.get_method("normalise")({frames}).toTensor();
    expect_close(pixels, towers->normalise(frames), "pixels");
    expect_close(script.get_method("encode_image")({pixels}).toTensor(), towers->encode_image(pixels), "image");
    const auto ids = torch::randint(1, sizes.vocabulary_size, {4, 7}, torch::kInt64);
    const auto mask = torch::tensor({7, 3, 1, 0}).view({4, 1}) > torch::arange(7);
    const auto text = script.get_method("encode_text")({ids, mask.to(torch::kInt64)}).toTuple();
    const auto [words, sentence] = towers->encode_text(ids, mask.to(torch::kInt64), style);
    expect_close(text->elements()[0].toTensor(), sentence, "sentence");
    expect_close(text->elements()[1].toTensor(), words, "words");
    EXPECT_EQ(script.attr("image_size").toInt(), sizes.image_size);
  }

  const TemporaryFolder folder_;
};

TEST_F(TorchScriptTest, ClipsTowersGiveTheSameEmbeddingsWithEveryMaskAndActivation) {
  auto sizes = small_clip_sizes();
  expect_same_embeddings(sizes, TextMask::kCausal);
  sizes.activation = Activation::kGelu;
  sizes.vision_heads = 4;
  sizes.text_heads = 8;
  expect_same_embeddings(sizes, TextMask::kCausalPadding);
}

TEST_F(TorchScriptTest, SiglipsTowersGiveTheSameEmbeddings) {
  auto sizes = small_siglip_sizes();
  for (const auto activation : {Activation::kGeluTanh, Activation::kQuickGelu}) {
    sizes.activation = activation;
    expect_same_embeddings(sizes, TextMask::kCausal);
  }
}

TEST_F(TorchScriptTest, TheArchiveHoldsTheWeightsUnderOurNames) {
  const auto weights = parameters_of(*noisy_towers(small_siglip_sizes()));
  write_torchscript(folder_ / "towers.pt", weights, small_siglip_sizes(), TextMask::kCausal);
  const auto file = read_torch_file(folder_ / "towers.pt");
  ASSERT_EQ(file.tensors.size(), weights.size());
  for (const auto& [name, tensor] : weights) EXPECT_TRUE(torch::equal(file.tensors.at(name), tensor)) << name;
}

TEST_F(TorchScriptTest, APlaceThatCannotBeWrittenIsAnErrorThatNamesIt) {
  const auto weights = parameters_of(*noisy_towers(small_clip_sizes()));
  std::ofstream(folder_ / "file") << "no folder";
  EXPECT_THAT(
      [&] { write_torchscript(folder_ / "file" / "towers.pt", weights, small_clip_sizes(), TextMask::kCausal); },
      testing::ThrowsMessage<Error>(testing::HasSubstr("file")));
}

}  // namespace
}  // namespace glint::test
