#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "glint/config/head_config.h"
#include "glint/model/features.h"

namespace glint {

struct AuxLoss {
  std::string name;     // "icl", as it stands in metrics.jsonl
  torch::Tensor value;  // scalar, already weighted
};

struct HeadOutput {
  torch::Tensor scores;      // [A, B], cosine scale, before the logit scale, but for heads without one
  std::vector<AuxLoss> aux;  // added to the contrastive loss as they are
};

// What one process scores of a batch of B pairs: its own b texts against all videos and its own b videos against all
// texts.
struct ShardOutput {
  torch::Tensor text_scores;   // [b, B], rows of the batch's scores
  torch::Tensor video_scores;  // [B, b], columns of them
  torch::Tensor sums;          // [K], over the shard, what losses() takes; undefined for heads without losses
};

struct FeatureShape {
  int64_t width = 0;       // D
  int64_t max_words = 0;   // L
  int64_t max_frames = 0;  // T
  int64_t positions = 77;  // rows of the position tables that start as the text tower's
};

// Scores every text against every video. Work per item goes into prepare_*, work per pair into score(). A head never
// sees pixels, the logit scale, the labels or other ranks; evaluation asks score() for any block, so A and B are free.
class RetrievalHead : public torch::nn::Module {
 public:
  virtual TextFeatures prepare_text(TextFeatures text) { return text; }
  virtual VideoFeatures prepare_video(VideoFeatures video) { return video; }

  // Both prepared -> [A, B], differentiable where autograd is on. Finite where the features' dot products are: what has
  // no cosine (a zero vector, a video without a frame) adds 0. A NaN in the features stays one.
  virtual torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) = 0;

  // Training: text i belongs to video i, A == B, both prepared. Of the pairs [begin, end), which are this shard's own.
  virtual ShardOutput score_shard(const TextFeatures& text, const VideoFeatures& video, int64_t begin, int64_t end);

  // The head's own losses of a whole batch, from the sums of all its shards added up. `pairs`: B
  virtual std::vector<AuxLoss> losses(const torch::Tensor& /*sums*/, int64_t /*pairs*/) const { return {}; }

  // The same of a whole batch at once.
  virtual HeadOutput score_pairs(const TextFeatures& text, const VideoFeatures& video);

  // Are scores multiplied by the logit scale before the loss? False: they are logits already.
  virtual bool uses_logit_scale() const { return true; }

  // This head's parameter names -> those of the released code, for export and import.
  virtual std::map<std::string, std::string> reference_names() const { return {}; }
};

// Throws Error naming the key where the sizes do not fit. `dropout` >= 0 replaces the head's own (model.dropout).
std::shared_ptr<RetrievalHead> make_head(const HeadConfig& config, const FeatureShape& shape, double dropout = -1);

}  // namespace glint
