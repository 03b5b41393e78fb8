#include "model/literal/xpool.h"

#include <torch/torch.h>

#include <cmath>
#include "model/literal/forms.h"

namespace glint::literal {

torch::Tensor Xpool::linear(const std::string& name, const torch::Tensor& x) const {
  return torch::matmul(x, weights.at("pool_frames." + name + ".weight").t()) +
         weights.at("pool_frames." + name + ".bias");
}

torch::Tensor Xpool::norm(const std::string& name, const torch::Tensor& x) const {
  const auto mean = x.mean(-1, /*keepdim=*/true);
  const auto variance = (x - mean).pow(2).mean(-1, /*keepdim=*/true);
  return (x - mean) / (variance + 1e-5).sqrt() * weights.at("pool_frames." + name + ".weight") +
         weights.at("pool_frames." + name + ".bias");
}

torch::Tensor Xpool::pooled(const torch::Tensor& sentence, const torch::Tensor& frames) const {
  return pooled_by(query(sentence), videos(frames));
}

torch::Tensor Xpool::query(const torch::Tensor& sentence) const {
  return linear("cross_attn.q_proj", norm("layer_norm1", sentence));
}

Xpool::Videos Xpool::videos(const torch::Tensor& frames) const {
  const auto normed = norm("layer_norm1", frames);
  return {linear("cross_attn.k_proj", normed), linear("cross_attn.v_proj", normed)};
}

torch::Tensor Xpool::attention(const torch::Tensor& query, const Videos& videos) const {
  const auto dots = torch::einsum("ad,btd->bat", {query, videos.keys}) / std::sqrt(static_cast<double>(query.size(1)));
  return dots.softmax(-1);
}

torch::Tensor Xpool::pooled_by(const torch::Tensor& query, const Videos& videos) const {
  const auto seen = torch::einsum("bat,btd->bad", {attention(query, videos), videos.values});
  const auto o = linear("cross_attn.out_proj", seen);  // [B, A, D]
  const auto y = norm("layer_norm2", o);
  return norm("layer_norm3", y + linear("linear_proj", y));
}

torch::Tensor Xpool::scores(const torch::Tensor& sentence, const torch::Tensor& frames) const {
  return cosine(sentence, pooled(sentence, frames));
}

torch::Tensor Xpool::cosine(const torch::Tensor& sentence, const torch::Tensor& pooled) {
  const auto dots = torch::einsum("ad,bad->ab", {sentence, pooled});
  return dots / sentence.norm(2, -1).unsqueeze(1) / pooled.norm(2, -1).t();
}

namespace {

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

 protected:
  PairExplanation explain_pair(const TextFeatures& text, const VideoFeatures& video) override {
    return {.parts = {{"cosine", form_.scores(text.sentence, video.frames).item<double>()}},
            .frames = to_numbers(form_.attention(form_.query(text.sentence), form_.videos(video.frames))),
            .words = {},
            .frame_parts = {}};
  }

 private:
  Xpool form_;
};

}  // namespace

std::shared_ptr<RetrievalHead> xpool_form(const RetrievalHead& head) {
  return std::make_shared<XpoolForm>(head);
}

}  // namespace glint::literal
