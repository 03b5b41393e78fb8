#include "model/heads/pair_blocks.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "glint/core/error.h"

namespace glint {
namespace {

constexpr int64_t kBlockFloats = 2 << 20;      // of a block's largest tensor: 8 MiB in float32
constexpr int64_t kGpuBlockFloats = 64 << 20;  // 256 MiB, so that a GPU has something to do

// The block of the texts from `a` on and the videos from `b` on.
struct Block {
  int64_t a, num_a, b, num_b, index;
};

std::vector<Block> blocks_of(const PairTensors& tensors, int64_t floats_a_pair) {
  const auto A = tensors.texts.at(0).size(0), B = tensors.videos.at(0).size(0);
  const auto floats = tensors.texts[0].is_cpu() ? kBlockFloats : kGpuBlockFloats;
  const auto pairs = std::max<int64_t>(1, floats / floats_a_pair);
  const auto side = static_cast<int64_t>(std::sqrt(static_cast<double>(pairs)));
  const auto num_a = std::clamp<int64_t>(pairs / std::clamp<int64_t>(B, 1, side), 1, std::max<int64_t>(A, 1));
  const auto num_b = std::clamp<int64_t>(pairs / num_a, 1, std::max<int64_t>(B, 1));
  std::vector<Block> blocks;
  for (int64_t a = 0; a < A; a += num_a) {
    for (int64_t b = 0; b < B; b += num_b) {
      blocks.push_back({a, std::min(num_a, A - a), b, std::min(num_b, B - b), std::ssize(blocks)});
    }
  }
  return blocks;
}

PairTensors slice(const PairTensors& tensors, const Block& block) {
  auto part = tensors;
  for (auto& text : part.texts) text = text.narrow(0, block.a, block.num_a);
  for (auto& video : part.videos) video = video.narrow(0, block.b, block.num_b);
  return part;
}

torch::Tensor part_of(const torch::Tensor& scores, const Block& block) {
  return scores.narrow(0, block.a, block.num_a).narrow(1, block.b, block.num_b);
}

// Texts, videos, shared, one after the other.
Tensors flat(const PairTensors& tensors) {
  auto all = tensors.texts;
  all.insert(all.end(), tensors.videos.begin(), tensors.videos.end());
  all.insert(all.end(), tensors.shared.begin(), tensors.shared.end());
  return all;
}

struct Work : torch::CustomClassHolder {
  BlockedScore function;
  std::size_t num_texts = 0, num_videos = 0;
  torch::Tensor scores;

  PairTensors grouped(const Tensors& all) const {
    const auto videos = all.begin() + static_cast<std::ptrdiff_t>(num_texts);
    const auto shared = videos + static_cast<std::ptrdiff_t>(num_videos);
    return {{all.begin(), videos}, {videos, shared}, {shared, all.end()}};
  }
};

// Adds the gradients of one block to those of the whole; `gradient` [a, b] is that of its scores.
void add_gradients(const Work& work, const PairTensors& tensors, const Block& block, const torch::Tensor& gradient,
                   const std::vector<bool>& wanted, Tensors& gradients) {
  auto leaves = flat(slice(tensors, block));
  Tensors asked;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    leaves[i] = leaves[i].detach().set_requires_grad(wanted[i]);
    if (wanted[i]) asked.push_back(leaves[i]);
  }
  const auto scores = work.function.score(work.grouped(leaves), block.index);
  const auto parts = torch::autograd::grad({scores}, asked, {part_of(gradient, block)}, /*retain_graph=*/false,
                                           /*create_graph=*/false, /*allow_unused=*/true);
  for (std::size_t i = 0, next = 0; i < leaves.size(); ++i) {
    if (!wanted[i]) continue;
    const auto& part = parts[next++];
    if (!part.defined()) continue;
    auto whole = gradients[i];
    if (i < work.num_texts) {
      whole = whole.narrow(0, block.a, block.num_a);
    } else if (i < work.num_texts + work.num_videos) {
      whole = whole.narrow(0, block.b, block.num_b);
    }
    whole.add_(part);
  }
}

struct WithGradients : torch::autograd::Function<WithGradients> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const c10::intrusive_ptr<Work>& work,
                               at::TensorList tensors) {
    context->saved_data["work"] = c10::IValue::make_capsule(work);
    context->save_for_backward(tensors.vec());
    return std::exchange(work->scores, {});
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& of_scores) {
    const auto capsule = context->saved_data.at("work").toCapsule();
    const auto& work = static_cast<const Work&>(*capsule);
    const auto saved = context->get_saved_variables();
    Tensors gradients(saved.size());
    std::vector<bool> wanted(saved.size());
    for (std::size_t i = 0; i < saved.size(); ++i) {
      wanted[i] = context->needs_input_grad(i);
      if (wanted[i]) gradients[i] = torch::zeros_like(saved[i]);
    }
    const torch::AutoGradMode with_autograd(true);
    const auto tensors = work.grouped(saved);
    for (const auto& block : blocks_of(tensors, work.function.floats_a_pair)) {
      add_gradients(work, tensors, block, of_scores[0], wanted, gradients);
    }
    gradients.insert(gradients.begin(), torch::Tensor());  // of `work`
    return gradients;
  }
};

}  // namespace

torch::Tensor BlockedScore::all(const PairTensors& tensors) const {
  const torch::NoGradGuard no_grad;
  const auto &text = tensors.texts.at(0), &video = tensors.videos.at(0);
  auto scores = torch::empty({text.size(0), video.size(0)}, text.options());  // [A, B, ...]
  for (const auto& block : blocks_of(tensors, floats_a_pair)) {
    const auto part = score(slice(tensors, block), block.index);
    if (part.dim() != scores.dim()) {
      auto shape = part.sizes().vec();
      std::copy_n(scores.sizes().begin(), 2, shape.begin());
      scores = torch::empty(shape, text.options());
    }
    part_of(scores, block).copy_(part);
  }
  return scores;
}

torch::Tensor BlockedScore::with_gradients(const torch::Tensor& scores, const PairTensors& tensors) const {
  GLINT_CHECK(!scores.requires_grad(), "the scores already have gradients");
  auto work = c10::make_intrusive<Work>();
  work->function = *this;
  work->num_texts = tensors.texts.size();
  work->num_videos = tensors.videos.size();
  work->scores = scores;
  const auto all = flat(tensors);
  return WithGradients::apply(work, at::TensorList(all));
}

bool wants_gradient(const PairTensors& tensors) {
  const auto all = flat(tensors);
  return torch::GradMode::is_enabled() &&
         std::any_of(all.begin(), all.end(), [](const auto& tensor) { return tensor.requires_grad(); });
}

}  // namespace glint
