#include "glint/train/batch_gradient.h"

#include <torch/torch.h>

#include <algorithm>

#include "glint/core/random.h"
#include "glint/dist/gather.h"
#include "glint/model/losses.h"
#include "glint/nn/autocast.h"

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

torch::ScalarType type_of(const std::string& precision) {
  if (precision == "bf16") return torch::kBFloat16;
  return precision == "fp16" ? torch::kHalf : torch::kFloat32;
}

// The tensors of a batch on `device`; from pinned memory without waiting.
Batch on_device(const Batch& batch, torch::Device device) {
  auto moved = batch;
  for (auto* tensor : {&moved.token_ids, &moved.token_mask, &moved.frames, &moved.frame_mask}) {
    *tensor = tensor->to(device, /*non_blocking=*/true);
  }
  return moved;
}

// For the features of so many pairs.
PairFeatures room_like(PairFeatures some, int64_t pairs) {
  for (auto* tensor : tensors_of(some)) {
    auto shape = tensor->sizes().vec();
    shape[0] = pairs;
    *tensor = torch::empty(shape, tensor->options());
  }
  return some;
}

torch::Tensor scaled(const torch::Tensor& loss, double scale) {
  return scale == 1 ? loss : loss * scale;
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
      config_(train),
      reference_gradients_(dist.reference_gradients),
      peers_(std::move(peers)),
      reducer_(parameters, peers_) {
  recompute_blocks(model_.clip(), train.recompute);
}

BatchLosses BatchGradient::compute(const Batch& given, int64_t step, LapTimer& timer, double loss_scale) {
  const auto device = model_.device();
  const auto batch = device.is_cpu() ? given : on_device(given, device);
  if (!device.is_cpu()) timer.lap("to device");
  const auto pairs = batch.token_ids.size(0);
  seed(step, 0);
  if (config_.micro_batch <= 0 || config_.micro_batch >= pairs) return fetch(whole(batch, timer, loss_scale));
  return fetch(in_parts(batch, step, timer, loss_scale));
}

BatchGradient::LossParts BatchGradient::whole(const Batch& batch, LapTimer& timer, double loss_scale) {
  const auto features = encode(batch, 0, batch.token_ids.size(0));
  timer.lap("towers");
  const auto scored = score(features);
  timer.lap("head");
  reducer_.backward({scaled(scored.loss, loss_scale)});
  timer.lap("backward");
  return scored.parts;
}

BatchGradient::LossParts BatchGradient::in_parts(const Batch& batch, int64_t step, LapTimer& timer, double loss_scale) {
  LossParts losses;
  std::vector<torch::Tensor> gradients;  // of the features; while they go into the towers, nothing else is kept
  {
    auto features = encode_parts(batch, step);
    timer.lap("towers");
    seed(step, kScoring);
    const auto scored = score(features);
    timer.lap("head");
    scaled(scored.loss, loss_scale).backward();
    for (const auto* tensor : tensors_of(features)) gradients.push_back(tensor->grad());
    losses = scored.parts;
    timer.lap("backward");
  }
  carry_into_towers(batch, step, gradients, timer);
  return losses;
}

// Dropout draws from (seed, step) alone, so that a resumed run needs no generator's state, and a part of a batch that
// is encoded twice drops the same both times.
void BatchGradient::seed(int64_t step, int64_t part) const {
  const auto run = static_cast<std::uint64_t>(config_.seed), at = static_cast<std::uint64_t>(step);
  const auto of = static_cast<std::uint64_t>(part), rank = static_cast<std::uint64_t>(peers_->rank());
  torch::manual_seed(of == 0 && rank == 0 ? mix({run, at}) : mix({run, at, of, rank}));
}

PairFeatures BatchGradient::encode(const Batch& batch, int64_t begin, int64_t end) const {
  const auto rows = [&](const torch::Tensor& all) { return all.slice(0, begin, end); };
  PairFeatures features;
  {
    RECORD_USER_SCOPE("towers");
    const Autocast lower(model_.device().type(), type_of(config_.precision));
    features.text = model_.text_features(rows(batch.token_ids), rows(batch.token_mask));
    features.video = model_.video_features(rows(batch.frames), rows(batch.frame_mask));
  }
  for (auto* tensor : tensors_of(features)) {  // heads and losses are float32
    if (!tensor->is_floating_point()) continue;
    *tensor = tensor->to(torch::kFloat32);
    // Note [reference gradients]: the released gather sends back this rank's slice alone, of a loss that every rank
    // computes, and DDP takes the mean: what lies before it gets 1 / ranks of the gradient (methods 10).
    if (reference_gradients_) *tensor = ScaledGradient::apply(*tensor, 1.0 / static_cast<double>(peers_->ranks()));
  }
  auto& head = model_.head();
  return {head.prepare_text(std::move(features.text)), head.prepare_video(std::move(features.video))};
}

// All features, without what made them: leaves, which take gradients. Their room is taken at once: features of a part
// that outlive its activations would lie scattered over the memory these leave.
PairFeatures BatchGradient::encode_parts(const Batch& batch, int64_t step) const {
  const torch::NoGradGuard no_grad;
  const auto pairs = batch.token_ids.size(0), part = config_.micro_batch;
  PairFeatures all;
  for (int64_t begin = 0; begin < pairs; begin += part) {
    const auto end = std::min(begin + part, pairs);
    seed(step, begin / part);
    auto some = encode(batch, begin, end);
    if (begin == 0) all = room_like(some, pairs);
    const auto from = tensors_of(some), to = tensors_of(all);
    for (std::size_t i = 0; i < from.size(); ++i) to[i]->slice(0, begin, end).copy_(*from[i]);
  }
  for (auto* tensor : tensors_of(all)) tensor->set_requires_grad(tensor->is_floating_point());
  return all;
}

// `gradients`: in the order of tensors_of(); undefined for what has none.
void BatchGradient::carry_into_towers(const Batch& batch, int64_t step, const std::vector<torch::Tensor>& gradients,
                                      LapTimer& timer) {
  const auto pairs = batch.token_ids.size(0), part = config_.micro_batch;
  for (int64_t begin = 0; begin < pairs; begin += part) {
    const auto end = std::min(begin + part, pairs);
    seed(step, begin / part);
    auto again = encode(batch, begin, end);
    timer.lap("towers");
    const auto outputs = tensors_of(again);
    std::vector<torch::Tensor> asked, own;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!outputs[i]->requires_grad() || !gradients[i].defined()) continue;
      asked.push_back(*outputs[i]);
      own.push_back(gradients[i].slice(0, begin, end));
    }
    if (end == pairs) {
      reducer_.backward(asked, own);
    } else {
      torch::autograd::backward(asked, own);
    }
    timer.lap("backward");
  }
}

BatchGradient::Scored BatchGradient::score(const PairFeatures& own) const {
  const auto ranks = peers_->ranks(), pairs = size(own.text), begin = peers_->rank() * pairs;
  RECORD_USER_SCOPE("head");
  const auto all = gather_pairs(*peers_, own);
  const auto share = model_.head().score_share(all.text, all.video, begin, begin + pairs);
  const bool whole = ranks == 1;
  const auto rows = model_.logits(share.text_scores);
  const ShareLogits logits = {rows, whole ? rows : model_.logits(share.video_scores), begin};
  Scored scored = {config_.loss == "sigmoid" ? sigmoid_loss(logits) : contrastive_loss(logits), {}};
  auto nce = scored.loss.detach().clone();
  peers_->all_reduce(nce);
  scored.parts.emplace_back("nce", nce);
  if (!share.sums.defined()) return scored;
  for (const auto& aux : model_.head().losses(sum_over_ranks(*peers_, share.sums), ranks * pairs)) {
    scored.loss = scored.loss + aux.value / ranks;  // the same on every rank
    scored.parts.emplace_back(aux.name, aux.value.detach());
  }
  return scored;
}

}  // namespace glint
