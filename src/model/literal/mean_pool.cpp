#include <torch/torch.h>

#include "model/literal/forms.h"
#include "model/literal/unit_vectors.h"

namespace glint::literal {

namespace {

class MeanPoolForm final : public RetrievalHead {
 public:
  TextFeatures prepare_text(TextFeatures text) override { return {unit(text.sentence), {}, {}, {}}; }
  VideoFeatures prepare_video(VideoFeatures video) override {
    const auto mask = video.mask.to(video.frames.dtype()).unsqueeze(-1);  // [B, T, 1]
    video.prepared["pooled"] = unit((unit(video.frames) * mask).sum(1) / mask.sum(1));
    return video;
  }
  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override {
    return torch::einsum("ad,bd->ab", {text.sentence, video.prepared.at("pooled")});
  }
};

}  // namespace

std::shared_ptr<RetrievalHead> mean_pool_form() {
  return std::make_shared<MeanPoolForm>();
}

}  // namespace glint::literal
