#include "model/literal/heads.h"

#include <torch/torch.h>

#include <string>
#include <variant>

#include "glint/core/error.h"
#include "glint/io/safetensors.h"
#include "model/literal/glccl.h"
#include "model/literal/glscl.h"
#include "model/literal/tight.h"
#include "model/literal/unit_vectors.h"
#include "model/literal/xclip.h"
#include "model/literal/xpool.h"

namespace glint::literal {
namespace {

// Gives `form` the values of the parameters of `head` that it has by the same names.
void copy_parameters(const RetrievalHead& head, torch::nn::Module& form) {
  const torch::NoGradGuard no_grad;
  const auto from = head.named_parameters();
  if (!from.is_empty()) form.to(from.begin()->value().scalar_type());
  for (auto& parameter : form.named_parameters()) {
    GLINT_CHECK(from.contains(parameter.key()), "the head has no parameter ", parameter.key());
    parameter->copy_(from[parameter.key()]);
  }
}

// A head's parameters as they are called, for forms that take them by name.
TensorMap copies(const RetrievalHead& head) {
  TensorMap map;
  for (const auto& item : head.named_parameters()) map[item.key()] = item->detach().clone().set_requires_grad(true);
  return map;
}

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

class GlsclForm final : public RetrievalHead {
 public:
  GlsclForm(const GlsclConfig& config, const FeatureShape& shape, const RetrievalHead& head)
      : form_(register_module("form", std::make_shared<Glscl>(config, shape.width))) {
    copy_parameters(head, *form_);
  }
  TextFeatures prepare_text(TextFeatures text) override {
    text.prepared["concepts"] = form_->concepts(text.words);
    return text;
  }
  VideoFeatures prepare_video(VideoFeatures video) override {
    video.prepared["concepts"] = form_->concepts(video.frames);
    return video;
  }
  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override { return scores(text, video).all; }
  HeadOutput score_pairs(const TextFeatures& text, const VideoFeatures& video) override {
    auto all = scores(text, video);
    form_->add_losses(text.prepared.at("concepts"), video.prepared.at("concepts"), all);
    return {all.all, {{"icl", all.icl}, {"idl", all.idl}}};
  }

 private:
  Glscl::Scores scores(const TextFeatures& text, const VideoFeatures& video) const {
    return form_->score(text.sentence, video.frames, video.mask, text.prepared.at("concepts"),
                        video.prepared.at("concepts"));
  }

  std::shared_ptr<Glscl> form_;
};

class GlcclForm final : public RetrievalHead {
 public:
  GlcclForm(const GlcclConfig& config, const FeatureShape& shape, const RetrievalHead& head)
      : csc_weight_(config.csc_weight),
        form_(
            register_module("form", std::make_shared<Glccl>(config, shape.width, shape.max_words, shape.max_frames))) {
    copy_parameters(head, *form_);
  }
  TextFeatures prepare_text(TextFeatures text) override {
    const auto of = form_->texts(text.sentence, text.words, text.mask);
    return {of.sentence,
            of.words,
            of.mask,
            {{"unit_words", of.unit_words},
             {"unit_sentence", of.unit_sentence},
             {"global_mixed", of.global_mixed},
             {"local_mixed", of.local_mixed}}};
  }
  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override { return scores(text, video).all; }
  HeadOutput score_pairs(const TextFeatures& text, const VideoFeatures& video) override {
    const auto all = scores(text, video);
    return {all.all, {{"csc", csc_weight_ * all.csc}}};
  }

 private:
  Glccl::Scores scores(const TextFeatures& text, const VideoFeatures& video) const {
    return form_->score({text.sentence, text.words, text.prepared.at("unit_words"), text.prepared.at("unit_sentence"),
                         text.prepared.at("global_mixed"), text.prepared.at("local_mixed"), text.mask},
                        video.frames, video.mask);
  }

  double csc_weight_;
  std::shared_ptr<Glccl> form_;
};

class XclipForm final : public RetrievalHead {
 public:
  XclipForm(const XclipConfig& config, const FeatureShape& shape, const RetrievalHead& head)
      : form_(
            register_module("form", std::make_shared<Xclip>(config, shape.width, shape.max_words, shape.max_frames))) {
    copy_parameters(head, *form_);
  }
  TextFeatures prepare_text(TextFeatures text) override {
    const auto of = form_->texts(text.sentence, text.words);
    return {of.sentence, of.words, {}, {{"global_mixed", of.global_mixed}, {"local_mixed", of.local_mixed}}};
  }
  VideoFeatures prepare_video(VideoFeatures video) override {
    const auto of = Xclip::videos(video.frames, video.clip_frames, video.mask);
    return {of.frames, {}, {}, {{"whole", of.whole}}};
  }
  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override {
    return form_
        ->score({text.sentence, text.words, text.prepared.at("global_mixed"), text.prepared.at("local_mixed")},
                {video.prepared.at("whole"), video.frames})
        .all;
  }

 private:
  std::shared_ptr<Xclip> form_;
};

class XpoolForm final : public RetrievalHead {
 public:
  explicit XpoolForm(const RetrievalHead& head) : form_{copies(head)} {}
  TextFeatures prepare_text(TextFeatures text) override {
    text.prepared["query"] = form_.query(text.sentence);
    return text;
  }
  VideoFeatures prepare_video(VideoFeatures video) override {
    const auto of = form_.videos(video.frames);
    return {of.keys, {}, {}, {{"values", of.values}}};
  }
  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override {
    const auto pooled = form_.pooled_by(text.prepared.at("query"), {video.frames, video.prepared.at("values")});
    return Xpool::cosine(text.sentence, pooled);
  }

 private:
  Xpool form_;
};

class TightForm final : public RetrievalHead {
 public:
  explicit TightForm(const RetrievalHead& head) : parameters_(copies(head)) {}
  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override {
    return tight(parameters_, text.sentence, video.frames, video.mask);
  }

 private:
  TensorMap parameters_;
};

template <class... Cases>
struct Choose : Cases... {
  using Cases::operator()...;
};

}  // namespace

std::shared_ptr<RetrievalHead> make_literal(const HeadConfig& config, const FeatureShape& shape,
                                            const RetrievalHead& head) {
  using Result = std::shared_ptr<RetrievalHead>;
  return std::visit(Choose{[](const MeanPoolConfig&) -> Result { return std::make_shared<MeanPoolForm>(); },
                           [&](GlsclConfig c) -> Result {
                             c.dropout = 0;
                             return std::make_shared<GlsclForm>(c, shape, head);
                           },
                           [&](const GlcclConfig& c) -> Result { return std::make_shared<GlcclForm>(c, shape, head); },
                           [&](const XclipConfig& c) -> Result { return std::make_shared<XclipForm>(c, shape, head); },
                           [&](const XpoolConfig&) -> Result { return std::make_shared<XpoolForm>(head); },
                           [&](const TightConfig&) -> Result { return std::make_shared<TightForm>(head); }},
                    config);
}

}  // namespace glint::literal
