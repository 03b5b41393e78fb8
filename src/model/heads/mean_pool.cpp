#include "glint/model/head.h"
#include "glint/nn/affine.h"
#include "model/heads/unit.h"

namespace glint {
namespace {

// CLIP4Clip's meanP (methods 2): the cosine of the sentence with the mean of the unit frames. No parameters.
// A texts, B videos, T frames, D width.
class MeanPoolHead final : public RetrievalHead {
 public:
  TextFeatures prepare_text(TextFeatures text) override {
    text.sentence = unit(text.sentence);  // [A, D]
    text.words.reset();
    text.mask.reset();
    return text;
  }

  VideoFeatures prepare_video(VideoFeatures video) override {
    video.prepared["pooled"] = unit_mean(video.frames, video.mask);  // [B, D]
    video.frames.reset();
    video.clip_frames.reset();
    return video;
  }

  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override {
    return affine(text.sentence, video.prepared.at("pooled"));  // [A, B]
  }
};

}  // namespace

std::shared_ptr<RetrievalHead> make(const MeanPoolConfig&, const FeatureShape&) {
  return std::make_shared<MeanPoolHead>();
}

}  // namespace glint
