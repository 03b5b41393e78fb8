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

 protected:
  PairExplanation explain_pair(const TextFeatures& text, const VideoFeatures& video) override {
    const auto T = video.frames.size(1);
    const auto c = unit(text.sentence[0]), v = unit(video.frames[0]);  // [D], [T, D]
    auto sum = torch::zeros_like(c);
    for (int64_t t = 0; t < T; ++t) sum = sum + v[t] * video.mask[0][t];
    PairExplanation explained;
    explained.parts = {{"cosine", (c.dot(sum) / sum.norm()).item<double>()}};
    for (int64_t t = 0; t < T; ++t) {
      const auto mask = video.mask[0][t].item<double>();
      explained.frames.push_back(mask / video.mask[0].sum().item<double>());
      explained.frame_parts.push_back(mask * (c.dot(v[t]) / sum.norm()).item<double>());
    }
    return explained;
  }
};

}  // namespace

std::shared_ptr<RetrievalHead> mean_pool_form() {
  return std::make_shared<MeanPoolForm>();
}

}  // namespace glint::literal
