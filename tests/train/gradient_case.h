#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "glint/config/config_file.h"
#include "glint/train/batch_gradient.h"
#include "support/small_clip.h"

// A small model of every head and a batch: whose gradients several ways must agree on.
namespace glint::test {

// L words, T frames.
constexpr int64_t kWords = 6, kFrames = 4;

// Every head, small.
inline std::vector<HeadConfig> heads() {
  auto heads = all_heads();
  const auto shrink = [](auto& config) {
    if constexpr (requires { config.queries; }) config.queries = 3;
    if constexpr (requires { config.decoder_layers; }) config.decoder_layers = 1;
    if constexpr (requires { config.decoder_ffn; }) config.decoder_ffn = 24;
    if constexpr (requires { config.layers; }) config.layers = 2;
    if constexpr (requires { config.score_temperature; }) config.score_temperature = 0.05;  // kinder to float32
  };
  for (auto& head : heads) std::visit(shrink, head);
  return heads;
}

inline std::shared_ptr<RetrievalModel> small_model(const HeadConfig& head, double dropout) {
  torch::manual_seed(5);
  ModelConfig model;
  model.dropout = dropout;
  model.temporal_layers = 1;
  auto sizes = small_clip_sizes();
  sizes.embed_dim = sizes.text_width;
  const FeatureShape shape = {.width = sizes.embed_dim, .max_words = kWords, .max_frames = kFrames};
  return std::make_shared<RetrievalModel>(model, head, sizes, shape);
}

inline Batch random_batch(int64_t pairs) {
  torch::manual_seed(6);
  Batch batch;
  batch.token_ids = torch::randint(1, 30, {pairs, kWords}, torch::kInt64);
  batch.token_mask = (torch::arange(kWords) < 2 + torch::arange(pairs).remainder(5).unsqueeze(1)).to(torch::kInt64);
  batch.frames = torch::randint(0, 256, {pairs, kFrames, 3, 24, 24}, torch::kInt64).to(torch::kUInt8);
  batch.frame_mask = (torch::arange(kFrames) < 1 + torch::arange(pairs).remainder(4).unsqueeze(1)).to(torch::kInt64);
  return batch;
}

struct Result {
  BatchLosses losses;
  std::map<std::string, torch::Tensor> gradients;
};

// Of `batch`, the shard of one process; one alone where there are no peers.
inline Result gradients(RetrievalModel& model, const Batch& batch, const TrainConfig& config, const DistConfig& dist,
                        std::shared_ptr<Communicator> peers, int64_t step = 3) {
  model.train();
  model.zero_grad(/*set_to_none=*/true);
  NamedParameters parameters;
  for (const auto& item : model.named_parameters()) parameters.emplace_back(item.key(), item.value());
  BatchGradient gradient(model, parameters, config, dist, std::move(peers));
  LapTimer timer;
  Result result = {gradient.compute(batch, step, timer), {}};
  for (const auto& [name, parameter] : parameters) {
    if (parameter.grad().defined()) result.gradients[name] = parameter.grad().clone();
  }
  return result;
}

// As gradients(), of each part of the loss alone.
inline std::vector<std::pair<std::string, double>> part_norms(RetrievalModel& model, const Batch& batch,
                                                              const TrainConfig& config, const DistConfig& dist,
                                                              std::shared_ptr<Communicator> peers,
                                                              double loss_scale = 1) {
  model.train();
  model.zero_grad(/*set_to_none=*/true);
  NamedParameters parameters;
  for (const auto& item : model.named_parameters()) {
    if (item->requires_grad()) parameters.emplace_back(item.key(), item.value());
  }
  BatchGradient gradient(model, parameters, config, dist, std::move(peers));
  auto norms = gradient.part_norms(batch, /*step=*/3, loss_scale);
  for (const auto& [name, parameter] : parameters) EXPECT_FALSE(parameter.grad().defined()) << name;
  return norms;
}

inline void expect_equal(const std::vector<std::pair<std::string, double>>& norms,
                         const std::vector<std::pair<std::string, double>>& expected, double tolerance) {
  ASSERT_EQ(norms.size(), expected.size());
  for (std::size_t i = 0; i < norms.size(); ++i) {
    EXPECT_EQ(norms[i].first, expected[i].first);
    EXPECT_NEAR(norms[i].second, expected[i].second, tolerance * expected[i].second) << norms[i].first;
  }
}

// Relative to the largest gradient of the model, in the root mean square of each tensor.
inline void expect_equal(const Result& result, const Result& expected, double tolerance) {
  EXPECT_NEAR(result.losses.loss, expected.losses.loss, tolerance);
  ASSERT_EQ(result.gradients.size(), expected.gradients.size());
  double scale = 0;
  for (const auto& [name, gradient] : expected.gradients) {
    scale = std::max(scale, gradient.abs().max().item<double>());
  }
  for (const auto& [name, gradient] : expected.gradients) {
    EXPECT_LE((result.gradients.at(name) - gradient).square().mean().sqrt().item<double>(), tolerance * scale) << name;
  }
}

}  // namespace glint::test
