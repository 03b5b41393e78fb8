#include "glint/model/head_descriptor.h"
#include "glint/nn/linear.h"
#include "model/heads/mean_explanation.h"
#include "model/heads/prepared.h"
#include "model/heads/unit.h"
#include "model/literal/forms.h"

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
    video.prepared[prepared::kPooled] = unit_mean(video.frames, video.mask);  // [B, D]
    video.frames.reset();
    video.clip_frames.reset();
    return video;
  }

  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override {
    return fast_linear(text.sentence, video.prepared.at(prepared::kPooled));  // [A, B]
  }

 protected:
  PairExplanation explain_pair(const TextFeatures& text, const VideoFeatures& video) override {
    return explain_mean(text.sentence, video.frames, video.mask);
  }
};

class MeanPoolDescriptor final : public HeadDescriptor<MeanPoolConfig> {
 public:
  std::shared_ptr<RetrievalHead> make(const MeanPoolConfig&, const FeatureShape&) const override {
    return std::make_shared<MeanPoolHead>();
  }

  HeadCost cost(const MeanPoolConfig&, const HeadSizes& sizes) const override {
    return {.released = {.pair = sizes.width}, .exact = {}, .published = sizes.width};
  }

  std::vector<MatrixProduct> pair_products(const MeanPoolConfig&, const HeadSizes& sizes, int64_t texts,
                                           int64_t videos) const override {
    return {{.rows = texts, .inner = sizes.width, .columns = videos}};
  }

  std::shared_ptr<RetrievalHead> literal(const MeanPoolConfig&, const FeatureShape&,
                                         const RetrievalHead&) const override {
    return literal::mean_pool_form();
  }

  double literal_floats(const HeadSizes&, bool) const override { return 4; }

  ReleasedSystem released() const override { return {.name = "clip4clip"}; }

  // It has no weights of its own: released_head() takes what no other head claims for it.
  std::optional<MeanPoolConfig> of_released(const TensorMap&) const override { return std::nullopt; }
};

}  // namespace

const HeadDescriptor<MeanPoolConfig>& descriptor(const MeanPoolConfig&) {
  static const MeanPoolDescriptor descriptor;
  return descriptor;
}

}  // namespace glint
