#include <torch/torch.h>

#include <string>
#include <vector>

#include "glint/core/error.h"
#include "glint/model/retrieval_model.h"
#include "model/token_stages.h"

// N sequences of S tokens, W tower width, M width of an MLP's inner layer.
namespace glint {

namespace {

// Multiply-accumulates of some part of a tower, forward.
struct TowerWork {
  double matrices = 0;   // tokens times weights
  double attention = 0;  // tokens times tokens
};

struct BlockWidths {
  double width, hidden;
};

BlockWidths block_widths(int64_t width, int64_t hidden) {
  return {static_cast<double>(width), static_cast<double>(hidden > 0 ? hidden : 4 * width)};
}

// Every token of [N, S, W]: queries, keys, values and output (4 W^2), the MLP (2 W M), and S others (2 S W).
TowerWork block_work(const BlockInput& in, const BlockWidths& b) {
  const auto tokens = static_cast<double>(in.sequences * in.length);
  return {tokens * (4 * b.width * b.width + 2 * b.width * b.hidden),
          tokens * 2 * static_cast<double>(in.length) * b.width};
}

// Keys and values of every token, the rest for one token of each sequence, whose query may be the same for all.
TowerWork row_work(const BlockInput& in, const BlockWidths& b, bool has_own_query) {
  const auto rows = static_cast<double>(in.sequences), tokens = rows * static_cast<double>(in.length);
  const double queries_and_output = (has_own_query ? 2 : 1) * b.width * b.width;
  return {tokens * 2 * b.width * b.width + rows * (queries_and_output + 2 * b.width * b.hidden), tokens * 2 * b.width};
}

// The parameters of a tower in the order in which a forward pass meets them: what a gradient reaches, and what share of
// a block's parameters gets one.
class TowerGradients {
 public:
  // `inputs`: of what stands before the blocks.
  TowerGradients(const RetrievalModel& model, const std::vector<std::string>& inputs)
      : parameters_(model.named_parameters()) {
    for (const auto& name : inputs) reaches_ = reaches_ || share_of(name) > 0;
  }

  // Forward and backward of what stands next; `name` begins its parameters' names. Backward, a product takes once the
  // gradient of its tokens, where something before it or in it is trained, and once that of its weights.
  double with_backward(const TowerWork& work, const std::string& name) {
    const double share = share_of(name);
    reaches_ = reaches_ || share > 0;
    const double tokens = reaches_ ? 1 : 0;
    return work.matrices * (1 + tokens + share) + work.attention * (1 + 2 * tokens);
  }

 private:
  double share_of(const std::string& prefix) const {
    int64_t all = 0, trained = 0;
    for (const auto& item : parameters_) {
      if (!item.key().starts_with(prefix)) continue;
      all += item.value().numel();
      if (item.value().requires_grad()) trained += item.value().numel();
    }
    return all > 0 ? static_cast<double>(trained) / static_cast<double>(all) : 0;
  }

  torch::OrderedDict<std::string, torch::Tensor> parameters_;
  bool reaches_ = false;
};

}  // namespace

double RetrievalModel::text_macs(const EncodedItems& items) const {
  const auto& s = clip_->sizes();
  TowerGradients gradients(*this, {"clip.token_embedding.", "clip.positional_embedding"});
  double macs = 0;
  for (int64_t i = 0; i < s.text_layers; ++i) {
    const auto work = block_work({items.texts, items.text_length}, block_widths(s.text_width, s.text_hidden));
    macs += gradients.with_backward(work, concat("clip.transformer.resblocks.", i, "."));
  }
  return macs;
}

double RetrievalModel::image_macs(const EncodedItems& items) const {
  const auto& s = clip_->sizes();
  const bool is_clip = s.kind == TowerKind::kClip;
  const auto widths = block_widths(s.vision_width, s.vision_hidden);
  const auto grid = s.image_size / s.patch_size;
  const BlockInput all = {items.pictures, grid * grid + (is_clip ? 1 : 0)};
  TowerGradients gradients(*this, {"clip.visual.class_embedding", "clip.visual.positional_embedding",
                                   "clip.visual.conv1.", "clip.visual.ln_pre."});
  double macs = 0;
  for (int64_t i = 0; i < s.vision_layers; ++i) {
    const auto in = stages_->input(i, all, items.frames);
    const bool is_row = is_clip && i + 1 == s.vision_layers;  // CLIP's last block is computed for one token
    macs += gradients.with_backward(is_row ? row_work(in, widths, /*has_own_query=*/true) : block_work(in, widths),
                                    concat("clip.visual.transformer.resblocks.", i, "."));
  }
  if (!is_clip) macs += gradients.with_backward(row_work(all, widths, /*has_own_query=*/false), "clip.visual.pool.");
  return macs;
}

}  // namespace glint
