#include "glint/nn/temporal_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "glint/core/error.h"

namespace glint {
namespace {

// B clips, T frames, D width.
constexpr TemporalSizes kEncoderSizes{.width = 64, .layers = 2, .position_rows = 9};

torch::Tensor mask_of(const std::vector<int64_t>& lengths, int64_t steps) {
  const auto positions = torch::arange(steps).unsqueeze(0);
  return (positions < torch::tensor(lengths).unsqueeze(1)).to(torch::kInt64);  // [B, T]
}

double largest(const torch::Tensor& difference) {
  return difference.abs().max().item<double>();
}

TEST(TemporalEncoderTest, NoneReturnsTheFrames) {
  const auto frames = torch::randn({2, 3, 64});
  EXPECT_TRUE(torch::equal(make_temporal_encoder("none", kEncoderSizes)->forward(frames, mask_of({3, 1}, 3)), frames));
}

TEST(TemporalEncoderTest, PaddingDoesNotReachRealFrames) {
  for (const auto* name : {"seq_lstm", "seq_transf"}) {
    torch::manual_seed(7);
    const auto encoder = make_temporal_encoder(name, kEncoderSizes);
    const auto mask = mask_of({5, 2, 1}, 6);
    auto frames = torch::randn({3, 6, 64});
    const auto before = encoder->forward(frames, mask);
    const auto real = mask.unsqueeze(2).to(torch::kFloat32);
    const auto after = encoder->forward(frames + 10 * torch::randn({3, 6, 64}) * (1 - real), mask);
    EXPECT_LE(largest((after - before) * real), 1e-5) << name;
  }
}

TEST(TemporalEncoderTest, MoreClipsInTheBatchDoNotChangeOne) {
  for (const auto* name : {"seq_lstm", "seq_transf"}) {
    torch::manual_seed(8);
    const auto encoder = make_temporal_encoder(name, kEncoderSizes);
    const auto mask = mask_of({6, 2}, 6);
    const auto frames = torch::randn({2, 6, 64});
    const auto both = encoder->forward(frames, mask);
    const auto second = encoder->forward(frames.slice(0, 1, 2).slice(1, 0, 2), mask.slice(0, 1, 2).slice(1, 0, 2));
    EXPECT_LE(largest(both[1].slice(0, 0, 2) - second[0]), 1e-5) << name;
  }
}

TEST(TemporalEncoderTest, LstmPassesFramesPastTheLongestClipTwice) {
  torch::manual_seed(9);
  const auto frames = torch::randn({2, 5, 64});
  const auto out = make_temporal_encoder("seq_lstm", kEncoderSizes)->forward(frames, mask_of({3, 1}, 5));
  EXPECT_LE(largest(out.slice(1, 3) - 2 * frames.slice(1, 3)), 1e-6);          // V + V
  EXPECT_LE(largest(out[1].slice(0, 1, 3) - frames[1].slice(0, 1, 3)), 1e-6);  // 0 + V
}

TEST(TemporalEncoderTest, AClipOfPaddingAloneGivesFiniteNumbersAndGradients) {
  for (const auto* name : {"none", "seq_lstm", "seq_transf"}) {
    const auto encoder = make_temporal_encoder(name, kEncoderSizes);
    const auto frames = torch::zeros({2, 4, 64}).set_requires_grad(true);
    const auto out = encoder->forward(frames, mask_of({0, 0}, 4));
    EXPECT_TRUE(out.isfinite().all().item<bool>()) << name;
    out.sum().backward();
    EXPECT_TRUE(frames.grad().isfinite().all().item<bool>()) << name;
  }
}

TEST(TemporalEncoderTest, ParameterNamesAreFileFormat) {
  EXPECT_THAT(
      make_temporal_encoder("seq_lstm", kEncoderSizes)->named_parameters().keys(),
      testing::UnorderedElementsAre("lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.bias_ih_l0", "lstm.bias_hh_l0"));
  const auto names = make_temporal_encoder("seq_transf", kEncoderSizes)->named_parameters();
  EXPECT_EQ(names.size(), 1 + 2 * 12);
  EXPECT_TRUE(names.contains("frame_position_embeddings.weight"));
  EXPECT_TRUE(names.contains("resblocks.1.mlp.c_proj.bias"));
}

TEST(TemporalEncoderTest, StartsEqualFromEqualSeeds) {
  for (const auto* name : {"seq_lstm", "seq_transf"}) {
    std::vector<torch::Tensor> first, second;
    for (auto* parameters : {&first, &second}) {
      torch::manual_seed(10);
      *parameters = make_temporal_encoder(name, kEncoderSizes)->parameters();
    }
    for (std::size_t i = 0; i < first.size(); ++i) EXPECT_TRUE(torch::equal(first[i], second[i])) << name;
  }
}

TEST(TemporalEncoderTest, RefusesWhatItDoesNotKnow) {
  try {
    make_temporal_encoder("seq_gru", kEncoderSizes);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "config.model.temporal: no temporal encoder 'seq_gru'; there are none, seq_lstm, seq_transf");
  }
  EXPECT_THROW(
      make_temporal_encoder("seq_transf", kEncoderSizes)->forward(torch::zeros({1, 10, 64}), mask_of({10}, 10)), Bug);
}

}  // namespace
}  // namespace glint
