#include "glint/train/batch_gradient.h"

#include <torch/torch.h>

#include <algorithm>

#include "glint/core/random.h"
#include "glint/model/losses.h"
#include "glint/nn/autocast.h"

namespace glint {
namespace {

constexpr int64_t kScoring = -1;  // the part of a step that is no part of the batch

std::vector<torch::Tensor*> all_of(TextFeatures& text, VideoFeatures& video) {
  auto tensors = tensors_of(text);
  const auto others = tensors_of(video);
  tensors.insert(tensors.end(), others.begin(), others.end());
  return tensors;
}

}  // namespace

BatchGradient::BatchGradient(RetrievalModel& model, const TrainConfig& config) : model_(model), config_(config) {
  recompute_blocks(model_.clip(), config.recompute);
}

BatchLosses BatchGradient::add(const Batch& batch, int64_t step, LapTimer& timer) {
  const auto pairs = batch.token_ids.size(0);
  const bool in_parts = config_.micro_batch > 0 && config_.micro_batch < pairs;
  BatchLosses losses;
  seed(step, 0);
  auto features = in_parts ? encode_parts(batch, step) : encode(batch, 0, pairs);
  timer.lap("towers");
  if (in_parts) seed(step, kScoring);
  const auto loss = score(features, losses);
  timer.lap("head");
  loss.backward();
  if (in_parts) carry_into_towers(batch, step, features, timer);
  timer.lap("backward");
  return losses;
}

// Dropout draws from (seed, step) alone, so that a resumed run needs no generator's state, and a part of a batch that
// is encoded twice drops the same both times.
void BatchGradient::seed(int64_t step, int64_t part) const {
  const auto run = static_cast<std::uint64_t>(config_.seed), at = static_cast<std::uint64_t>(step);
  torch::manual_seed(part == 0 ? mix({run, at}) : mix({run, at, static_cast<std::uint64_t>(part)}));
}

BatchGradient::Features BatchGradient::encode(const Batch& batch, int64_t begin, int64_t end) const {
  const auto rows = [&](const torch::Tensor& all) { return all.slice(0, begin, end); };
  Features features;
  {
    const Autocast lower(torch::kCPU, config_.precision == "bf16" ? torch::kBFloat16 : torch::kFloat32);
    features.text = model_.text_features(rows(batch.token_ids), rows(batch.token_mask));
    features.video = model_.video_features(rows(batch.frames), rows(batch.frame_mask));
  }
  for (auto* tensor : all_of(features.text, features.video)) {  // heads and losses are float32
    if (tensor->is_floating_point()) *tensor = tensor->to(torch::kFloat32);
  }
  auto& head = model_.head();
  return {head.prepare_text(std::move(features.text)), head.prepare_video(std::move(features.video))};
}

// All features, without what made them: leaves, which take gradients.
BatchGradient::Features BatchGradient::encode_parts(const Batch& batch, int64_t step) const {
  const torch::NoGradGuard no_grad;
  const auto pairs = batch.token_ids.size(0), part = config_.micro_batch;
  std::vector<TextFeatures> texts;
  std::vector<VideoFeatures> videos;
  for (int64_t begin = 0; begin < pairs; begin += part) {
    seed(step, begin / part);
    auto some = encode(batch, begin, std::min(begin + part, pairs));
    texts.push_back(std::move(some.text));
    videos.push_back(std::move(some.video));
  }
  Features features = {concat(texts), concat(videos)};
  for (auto* tensor : all_of(features.text, features.video)) tensor->set_requires_grad(tensor->is_floating_point());
  return features;
}

void BatchGradient::carry_into_towers(const Batch& batch, int64_t step, Features& features, LapTimer& timer) const {
  timer.lap("backward");
  const auto leaves = all_of(features.text, features.video);
  const auto pairs = batch.token_ids.size(0), part = config_.micro_batch;
  for (int64_t begin = 0; begin < pairs; begin += part) {
    const auto end = std::min(begin + part, pairs);
    seed(step, begin / part);
    auto again = encode(batch, begin, end);
    timer.lap("towers");
    const auto outputs = all_of(again.text, again.video);  // in the order of `leaves`
    std::vector<torch::Tensor> asked, gradients;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const auto& gradient = leaves[i]->grad();
      if (!outputs[i]->requires_grad() || !gradient.defined()) continue;
      asked.push_back(*outputs[i]);
      gradients.push_back(gradient.slice(0, begin, end));
    }
    torch::autograd::backward(asked, gradients);
    timer.lap("backward");
  }
}

torch::Tensor BatchGradient::score(const Features& features, BatchLosses& losses) const {
  const auto pairs = size(features.text);
  const auto share = model_.head().score_share(features.text, features.video, 0, pairs);
  const auto logits = model_.logits(share.text_scores);  // [B, B]
  auto loss = config_.loss == "sigmoid" ? sigmoid_loss(logits) : contrastive_loss(logits);
  losses.parts.emplace_back("nce", loss.item<double>());
  if (share.sums.defined()) {
    for (const auto& own : model_.head().losses(share.sums, pairs)) {
      loss = loss + own.value;
      losses.parts.emplace_back(own.name, own.value.item<double>());
    }
  }
  losses.loss = loss.item<double>();
  return loss;
}

}  // namespace glint
