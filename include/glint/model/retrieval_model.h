#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "glint/config/head_config.h"
#include "glint/config/model_config.h"
#include "glint/model/features.h"
#include "glint/model/head.h"
#include "glint/model/towers.h"
#include "glint/nn/temporal_encoder.h"

namespace glint {

class TokenStages;  // model.clustering, src/model/token_stages.h

// What the towers have encoded.
struct EncodedItems {
  int64_t pictures = 0;  // each once: the padding of a batch is one
  int64_t frames = 0;    // that the pictures stand for, padding included
  int64_t texts = 0;
  int64_t text_length = 0;  // tokens of each
};

// CLIP towers + temporal encoder + head. Parameter names: clip.<OpenAI's>, temporal.*, head.*; they are file format.
class RetrievalModel final : public torch::nn::Module {
 public:
  RetrievalModel(const ModelConfig& model, const HeadConfig& head, const TowerSizes& clip, const FeatureShape& shape);

  // Where the parameters are; what encodes takes tensors from anywhere and gives features there.
  torch::Device device() const;

  // int64 [A, L] each -> as the towers give them, for any head.
  TextFeatures text_features(const torch::Tensor& ids, const torch::Tensor& mask);
  // As encode_video(), but for any head.
  VideoFeatures video_features(const torch::Tensor& frames, const torch::Tensor& mask);

  // The same from what the image tower gave before: VideoFeatures::clip_frames and mask.
  VideoFeatures video_features_of(const torch::Tensor& clip_frames, const torch::Tensor& mask);

  // int64 [A, L] each -> prepared for score().
  TextFeatures encode_text(const torch::Tensor& ids, const torch::Tensor& mask);
  // uint8 [B, T, 3, R, R] (or float, normalised) and int64 [B, T] -> prepared for score(). Where model.clustering
  // merges frames, T is that of the settings, and a video's frames are its segments from there on.
  VideoFeatures encode_video(const torch::Tensor& frames, const torch::Tensor& mask);

  RetrievalHead& head() { return *head_; }
  Towers& clip() { return *clip_; }
  torch::Tensor logit_scale() const;  // what scores are multiplied by; 1 for a head that gives logits
  // What the losses over pairs take: `scores` times logit_scale(), plus the bias where the towers have one.
  torch::Tensor logits(const torch::Tensor& scores) const;
  void clamp_logit_scale(double max_scale);  // after each step (methods 6.4)

  // What has been encoded with autograd on since the call before, of texts of one length.
  EncodedItems take_encoded() { return std::exchange(encoded_, {}); }
  // Multiply-accumulates of the towers' blocks for so many, forward and backward. What is trained decides about the
  // backward pass: of frozen towers there is none.
  double text_macs(const EncodedItems& items) const;
  double image_macs(const EncodedItems& items) const;

  // Our parameter names -> those of the released code (clip.*, transformerClip.*, spatial_queries, ...).
  std::map<std::string, std::string> reference_names() const;

 private:
  std::shared_ptr<Towers> clip_;
  std::shared_ptr<const TokenStages> stages_;
  std::shared_ptr<TemporalEncoder> temporal_;
  std::shared_ptr<RetrievalHead> head_;
  TextMask text_mask_;
  EncodedItems encoded_;
};

// Copies weights into the model by our names. Throws one Error that lists every missing, spare and misshapen name.
void load_weights(RetrievalModel& model, const TensorMap& weights);
// The same without copying: the model's parameters become `weights` themselves, where types allow it.
void adopt_weights(RetrievalModel& model, const TensorMap& weights);

// What a file of weights held.
struct LoadedParts {
  bool towers = false, temporal = false, head = false;
};

// Weights under OpenAI's names (bare or with "clip.") or the released systems' names: towers, temporal encoder and
// head, each whole or not at all. A part that they do not hold keeps its start: seq_transf and the tight head copy
// CLIP's text blocks (methods 2). A name that fits nowhere, and one that a part lacks, is an Error.
LoadedParts load_pretrained(RetrievalModel& model, const TensorMap& weights);

// A whole system under the released names. Throws one Error that lists every missing, spare and misshapen name;
// what the release holds and does not use is passed over. `file` is for the message.
void load_released(RetrievalModel& model, const TensorMap& weights, const std::string& file);

// model.freeze: none, conv1, clip4clip, towers (methods 1.4).
void freeze_parameters(RetrievalModel& model, const std::string& rule);

}  // namespace glint
