#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
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

// Why a text and a video score as they do (methods 12). L, T: of the features that are explained, padding included.
struct PairExplanation {
  // What the score is the sum of, each with its weight: "global" and "local" of glscl.
  std::vector<std::pair<std::string, double>> parts;
  // [T] and [L]: how much the head looks at each frame and word. None is negative, all add up to 1, and padding that
  // the head masks has 0; all are 0 where the mask leaves nothing. Empty: the head has no such weights.
  std::vector<double> frames, words;
  // [T]: what each frame adds to the score, negative ones too. Empty: the score is no sum over frames.
  std::vector<double> frame_parts;
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

  // Of one text and one video (A = B = 1), both as the towers give them and not prepared: an explanation may need what
  // prepare_* drops. In evaluation mode. Takes about as long as preparing and scoring the pair.
  PairExplanation explain(const TextFeatures& text, const VideoFeatures& video);

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

 protected:
  // explain(), without autograd.
  virtual PairExplanation explain_pair(const TextFeatures& text, const VideoFeatures& video) = 0;
};

// The entries of `x`, row by row.
std::vector<double> to_numbers(const torch::Tensor& x);

// Throws Error naming the key where the sizes do not fit. `dropout` >= 0 replaces the head's own (model.dropout).
std::shared_ptr<RetrievalHead> make_head(const HeadConfig& config, const FeatureShape& shape, double dropout = -1);

}  // namespace glint
