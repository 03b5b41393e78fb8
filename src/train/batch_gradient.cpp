#include "glint/train/batch_gradient.h"

#include <torch/torch.h>

#include <algorithm>

#include "glint/core/random.h"
#include "glint/dist/gather.h"
#include "glint/model/losses.h"
#include "glint/nn/autocast.h"
#include "train/micro_batched_tower.h"

namespace glint {
namespace {

constexpr int64_t kScoring = -1;  // the part of a step that is no part of the batch

// `x`, whose gradient is multiplied by `factor` on its way back.
struct ScaledGradient : torch::autograd::Function<ScaledGradient> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x, double factor) {
    context->saved_data["factor"] = factor;
    return x.view_as(x);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    return {gradients[0] * context->saved_data.at("factor").toDouble(), {}};
  }
};

// The tensors of a batch on `device`; from pinned memory without waiting.
Batch on_device(const Batch& batch, torch::Device device) {
  auto moved = batch;
  for (auto* tensor : {&moved.token_ids, &moved.token_mask, &moved.frames, &moved.frame_mask}) {
    *tensor = tensor->to(device, /*non_blocking=*/true);
  }
  return moved;
}

template <typename Features>
std::vector<torch::Tensor> gradients_of(Features& features) {
  std::vector<torch::Tensor> gradients;  // undefined for what has none
  for (const auto* tensor : tensors_of(features)) gradients.push_back(tensor->grad());
  return gradients;
}

// In one go: numbers on a GPU are waited for.
BatchLosses fetch(const std::vector<std::pair<std::string, torch::Tensor>>& parts) {
  std::vector<torch::Tensor> values;
  for (const auto& [name, value] : parts) values.push_back(value);
  const auto numbers = torch::stack(values).to(torch::kCPU);
  BatchLosses losses;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    losses.parts.emplace_back(parts[i].first, numbers[static_cast<int64_t>(i)].item<double>());
    losses.loss += losses.parts.back().second;
  }
  return losses;
}

}  // namespace

BatchGradient::BatchGradient(RetrievalModel& model, const NamedParameters& parameters, const TrainConfig& train,
                             const DistConfig& dist, std::shared_ptr<Communicator> peers)
    : model_(model),
      parameters_(parameters),
      config_(train),
      reference_gradients_(dist.reference_gradients),
      peers_(std::move(peers)),
      reducer_(parameters, peers_) {
  recompute_blocks(model_.clip(), train.recompute);
}

BatchLosses BatchGradient::compute(const Batch& given, int64_t step, LapTimer& timer, double loss_scale) {
  const auto batch = moved(given);
  if (!model_.device().is_cpu()) timer.lap("to device");
  return fetch(run({batch, step, timer, loss_scale}));
}

std::vector<std::pair<std::string, double>> BatchGradient::part_norms(const Batch& given, int64_t step,
                                                                      double loss_scale) {
  const auto batch = moved(given);
  LapTimer unread;
  std::vector<std::pair<std::string, double>> norms;
  for (std::size_t count = 1; norms.size() < count;) {
    const auto parts = run({batch, step, unread, loss_scale, norms.size()});
    count = parts.size();
    norms.emplace_back(parts[norms.size()].first, clip_global_norm(parameters_, /*max_norm=*/0) / loss_scale);
    for (const auto& [name, parameter] : parameters_) parameter.mutable_grad().reset();
  }
  return norms;
}

Batch BatchGradient::moved(const Batch& batch) const {
  const auto device = model_.device();
  return device.is_cpu() ? batch : on_device(batch, device);
}

BatchGradient::LossParts BatchGradient::run(const Pass& pass) {
  seed(pass.step, 0);
  const auto pairs = pass.batch.token_ids.size(0);
  return config_.micro_batch <= 0 || config_.micro_batch >= pairs ? whole(pass) : in_parts(pass);
}

BatchGradient::LossParts BatchGradient::whole(const Pass& pass) {
  const auto pairs = pass.batch.token_ids.size(0);
  auto text = encode_texts(pass.batch, 0, pairs);
  auto video = encode_videos(pass.batch, 0, pairs);
  auto& head = model_.head();
  const PairFeatures features = {head.prepare_text(std::move(text)), head.prepare_video(std::move(video))};
  pass.timer.lap("towers");
  const auto scored = score(features);
  pass.timer.lap("head");
  reducer_.backward(outputs(scored, pass));
  pass.timer.lap("backward");
  return scored.parts;
}

BatchGradient::LossParts BatchGradient::in_parts(const Pass& pass) {
  const auto& batch = pass.batch;
  const auto step = pass.step;
  auto& timer = pass.timer;
  const auto pairs = batch.token_ids.size(0), part = config_.micro_batch;
  const MicroBatchedTower<TextFeatures> texts(pairs, part, [&](int64_t begin, int64_t end) {
    seed(step, 2 * (begin / part));
    auto features = model_.head().prepare_text(encode_texts(batch, begin, end));
    timer.lap("towers");
    return features;
  });
  const MicroBatchedTower<VideoFeatures> videos(pairs, part, [&](int64_t begin, int64_t end) {
    seed(step, 2 * (begin / part) + 1);
    auto features = model_.head().prepare_video(encode_videos(batch, begin, end));
    timer.lap("towers");
    return features;
  });
  LossParts losses;
  std::vector<torch::Tensor> of_texts, of_videos;  // gradients of all features: nothing else outlives the scoring
  {
    PairFeatures features = {texts.leaves(), videos.leaves()};
    seed(step, kScoring);
    const auto scored = score(features);
    timer.lap("head");
    const auto roots = outputs(scored, pass);
    if (!roots.empty()) torch::autograd::backward(roots, {});
    timer.lap("backward");
    of_texts = gradients_of(features.text);
    of_videos = gradients_of(features.video);
    losses = scored.parts;
  }
  texts.carry(std::exchange(of_texts, {}), [&](const auto& outputs, const auto& gradients, bool) {
    if (!outputs.empty()) torch::autograd::backward(outputs, gradients);
    timer.lap("backward");
  });
  videos.carry(of_videos, [&](const auto& outputs, const auto& gradients, bool is_last) {
    if (is_last) {
      reducer_.backward(outputs, gradients);  // what the other passes left in the gradients travels with this one's
    } else if (!outputs.empty()) {
      torch::autograd::backward(outputs, gradients);
    }
    timer.lap("backward");
  });
  return losses;
}

// Dropout draws from (seed, step) alone, so that a resumed run needs no generator's state, and a part of a batch that
// is encoded twice drops the same both times.
void BatchGradient::seed(int64_t step, int64_t part) const {
  const auto run = static_cast<std::uint64_t>(config_.seed), at = static_cast<std::uint64_t>(step);
  const auto of = static_cast<std::uint64_t>(part), rank = static_cast<std::uint64_t>(peers_->rank());
  torch::manual_seed(of == 0 && rank == 0 ? mix({run, at}) : mix({run, at, of, rank}));
}

// Heads and losses are float32.
void BatchGradient::make_float32(const std::vector<torch::Tensor*>& features) const {
  for (auto* tensor : features) {
    if (!tensor->is_floating_point()) continue;
    *tensor = tensor->to(torch::kFloat32);
    // Note [reference gradients]: the released gather sends back this rank's slice alone, of a loss that every rank
    // computes, and DDP takes the mean: what lies before it gets 1 / ranks of the gradient (methods 10).
    if (reference_gradients_) *tensor = ScaledGradient::apply(*tensor, 1.0 / static_cast<double>(peers_->ranks()));
  }
}

TextFeatures BatchGradient::encode_texts(const Batch& batch, int64_t begin, int64_t end) const {
  TextFeatures features;
  {
    RECORD_USER_SCOPE("text tower");
    const Autocast lower(model_.device().type(), type_of_precision(config_.precision));
    features = model_.text_features(batch.token_ids.slice(0, begin, end), batch.token_mask.slice(0, begin, end));
  }
  make_float32(tensors_of(features));
  return features;
}

VideoFeatures BatchGradient::encode_videos(const Batch& batch, int64_t begin, int64_t end) const {
  VideoFeatures features;
  {
    RECORD_USER_SCOPE("image tower");
    const Autocast lower(model_.device().type(), type_of_precision(config_.precision));
    features = model_.video_features(batch.frames.slice(0, begin, end), batch.frame_mask.slice(0, begin, end));
  }
  make_float32(tensors_of(features));
  return features;
}

BatchGradient::Scored BatchGradient::score(const PairFeatures& own) const {
  const auto ranks = peers_->ranks(), pairs = size(own.text), begin = peers_->rank() * pairs;
  RECORD_USER_SCOPE("head");
  const auto all = gather_pairs(*peers_, own);
  const auto shard = model_.head().score_shard(all.text, all.video, begin, begin + pairs);
  const bool whole = ranks == 1;
  const auto rows = model_.logits(shard.text_scores);
  const ShardLogits logits = {rows, whole ? rows : model_.logits(shard.video_scores), begin};
  Scored scored = {config_.loss == "sigmoid" ? sigmoid_loss(logits) : contrastive_loss(logits), {}, {}};
  scored.terms.push_back(scored.loss);
  auto nce = scored.loss.detach().clone();
  peers_->all_reduce(nce);
  scored.parts.emplace_back("nce", nce);
  if (!shard.sums.defined()) return scored;
  for (const auto& aux : model_.head().losses(sum_over_ranks(*peers_, shard.sums), ranks * pairs)) {
    scored.terms.push_back(aux.value / ranks);  // the same on every rank
    scored.loss = scored.loss + scored.terms.back();
    scored.parts.emplace_back(aux.name, aux.value.detach());
  }
  return scored;
}

// What backward() starts from; nothing for a term that no parameter is part of.
std::vector<torch::Tensor> BatchGradient::outputs(const Scored& scored, const Pass& pass) {
  const auto& loss = pass.term ? scored.terms.at(*pass.term) : scored.loss;
  if (pass.term && !loss.requires_grad()) return {};
  return {pass.loss_scale == 1 ? loss : loss * pass.loss_scale};
}

}  // namespace glint
