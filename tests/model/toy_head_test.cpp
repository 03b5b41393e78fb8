#include <gtest/gtest.h>
#include <torch/torch.h>

#include <fstream>
#include <iterator>

#include "glint/io/state_dict.h"
#include "model/head_kinds.h"
#include "model/literal/forms.h"
#include "support/environment.h"

// A whole head, as docs/development.md shows it: what stands between the marks is on that page.

// [toy head]
namespace glint {

// Settings, in a file of include/glint/config: head.* of the toy head. HeadConfig (head_config.h) lists them.
struct ToyConfig {
  static constexpr const char* kName = "toy";

  double sharpness = 4;
};

template <class Visitor>
void describe(Visitor& v, ToyConfig& c) {
  v.field("sharpness", c.sharpness, above(0, 1e6), "how much the best frames outweigh the others");
}

namespace {

// The head, in a file of src/model/heads. S(c, V) = sum_t p_t <c W, v_t>, p = softmax(sharpness <c W, v_t>), of unit
// frames v_t. A texts, B videos, T frames, D width.
class ToyHead final : public RetrievalHead {
 public:
  ToyHead(const ToyConfig& config, const FeatureShape& shape) : config_(config) {
    mix_ = register_parameter("mix", torch::eye(shape.width));
  }

  TextFeatures prepare_text(TextFeatures text) override {
    text.sentence = at::matmul(unit(text.sentence), mix_);  // [A, D]
    text.words.reset();
    text.mask.reset();
    return text;
  }

  VideoFeatures prepare_video(VideoFeatures video) override {
    video.frames = unit(video.frames);  // [B, T, D]
    video.clip_frames.reset();
    return video;
  }

  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override {
    const auto dots = at::matmul(video.frames, text.sentence.t());  // [B, T, A]
    return (weights(dots, video.mask) * dots).sum(1).t();           // [A, B]
  }

 protected:
  // Why a pair scores as it does, for reports.
  PairExplanation explain_pair(const TextFeatures& text, const VideoFeatures& raw_video) override {
    const auto video = prepare_video(raw_video);
    const auto dots = at::matmul(video.frames, prepare_text(text).sentence.t());  // [1, T, 1]
    const auto attention = weights(dots, video.mask), added = attention * dots;
    return {.parts = {{"cosine", added.sum().item<double>()}},
            .frames = to_numbers(attention),
            .words = {},
            .frame_parts = to_numbers(added)};
  }

 private:
  // dots [B, T, A], mask [B, T] -> [B, T, A]
  torch::Tensor weights(const torch::Tensor& dots, const torch::Tensor& mask) const {
    const auto hidden = (mask == 0).unsqueeze(-1);  // [B, T, 1]
    return (config_.sharpness * dots).masked_fill(hidden, -1e9).softmax(1).masked_fill(hidden, 0);
  }

  static torch::Tensor unit(const torch::Tensor& x) {
    const auto norm = at::linalg_vector_norm(x, 2, -1, /*keepdim=*/true);
    return x / norm.masked_fill(norm == 0, 1);
  }

  ToyConfig config_;
  torch::Tensor mix_;  // [D, D]
};

// Its literal form, in a file of src/model/literal: pair by pair.
class ToyForm final : public RetrievalHead {
 public:
  ToyForm(const ToyConfig& config, const RetrievalHead& head) : config_(config), weights_(literal::copies(head)) {}

  TextFeatures prepare_text(TextFeatures text) override {
    text.sentence = torch::matmul(text.sentence / text.sentence.norm(2, 1, true), weights_.at("mix"));
    return text;
  }

  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override {
    const auto A = text.sentence.size(0), B = video.frames.size(0);
    auto scores = torch::zeros({A, B}, text.sentence.options());
    for (int64_t a = 0; a < A; ++a) {
      for (int64_t b = 0; b < B; ++b) scores[a][b] = of_pair(text.sentence[a], video.frames[b], video.mask[b]);
    }
    return scores;
  }

 protected:
  PairExplanation explain_pair(const TextFeatures& text, const VideoFeatures& video) override {
    const auto dots = kept_dots(prepare_text(text).sentence[0], video.frames[0], video.mask[0]);  // [t]
    const auto weights = (config_.sharpness * dots).softmax(0);
    const auto all = torch::zeros({video.frames.size(1)}, dots.options());  // [T]
    const auto places = video.mask[0].nonzero().flatten();
    return {.parts = {{"cosine", weights.dot(dots).item<double>()}},
            .frames = to_numbers(all.index_copy(0, places, weights)),
            .words = {},
            .frame_parts = to_numbers(all.index_copy(0, places, weights * dots))};
  }

 private:
  torch::Tensor of_pair(const torch::Tensor& query, const torch::Tensor& frames, const torch::Tensor& mask) const {
    const auto dots = kept_dots(query, frames, mask);
    return ((config_.sharpness * dots).softmax(0) * dots).sum();
  }

  // Of the t frames that the mask leaves -> [t]
  static torch::Tensor kept_dots(const torch::Tensor& query, const torch::Tensor& frames, const torch::Tensor& mask) {
    const auto kept = frames.index_select(0, mask.nonzero().flatten());  // [t, D]
    return torch::matmul(kept / kept.norm(2, 1, true), query.unsqueeze(1)).squeeze(1);
  }

  ToyConfig config_;
  TensorMap weights_;
};

class ToyDescriptor final : public HeadDescriptor<ToyConfig> {
 public:
  std::shared_ptr<RetrievalHead> make(const ToyConfig& config, const FeatureShape& shape) const override {
    return std::make_shared<ToyHead>(config, shape);
  }

  HeadCost cost(const ToyConfig&, const HeadSizes& sizes) const override {
    const auto D = sizes.width;
    return {.released = {.text = D * D, .pair = sizes.frames * D}, .exact = {.text = D * D}, .published = {}};
  }

  std::vector<MatrixProduct> pair_products(const ToyConfig&, const HeadSizes& sizes, int64_t texts,
                                           int64_t videos) const override {
    return {{.rows = texts, .inner = sizes.width, .columns = videos * sizes.frames}};
  }

  std::shared_ptr<RetrievalHead> literal(const ToyConfig& config, const FeatureShape&,
                                         const RetrievalHead& head) const override {
    return std::make_shared<ToyForm>(config, head);
  }

  double literal_floats(const HeadSizes& sizes, bool train) const override {
    return (train ? 8 : 2) * static_cast<double>(sizes.width);
  }

  ReleasedSystem released() const override { return {.name = "toy"}; }

  std::optional<ToyConfig> of_released(const TensorMap& weights) const override {
    return has_prefix(weights, "toy.") ? std::optional(ToyConfig{}) : std::nullopt;
  }
};

}  // namespace

// Declared in include/glint/model/head_descriptor.h.
const HeadDescriptor<ToyConfig>& descriptor(const ToyConfig&) {
  static const ToyDescriptor descriptor;
  return descriptor;
}

}  // namespace glint

// Its test: what only this head holds, and the kinds that every_head_test.cpp tries.
namespace glint::test {
namespace {

std::vector<Kind> toy_kinds() {
  return {kind("toy", ToyConfig{}, {.hides_words = true, .hides_frames = true, .zero = Zero::kEither})};
}

const AddKinds toy_added(toy_kinds());

}  // namespace
}  // namespace glint::test
// [toy head]

namespace glint {
namespace {

TEST(ToyHeadTest, ASharpHeadScoresByTheBestFrame) {
  const auto head = descriptor(ToyConfig{}).make({.sharpness = 1e6}, {.width = 2});
  VideoFeatures video;
  video.frames = torch::tensor({{{1.0F, 0.0F}, {0.6F, 0.8F}}});
  video.mask = torch::ones({1, 2}, torch::kLong);
  TextFeatures text;
  text.sentence = torch::tensor({{0.0F, 2.0F}});
  const torch::NoGradGuard no_grad;
  EXPECT_NEAR(head->score(head->prepare_text(text), head->prepare_video(video)).item<float>(), 0.8F, 1e-6F);
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ToyHeadTest, ThePageOnDevelopmentShowsIt) {
  const std::string mark = "// [toy head]\n";
  const auto source = text_of("tests/model/toy_head_test.cpp");
  const auto begin = source.find("\n" + mark) + 1 + mark.size(), end = source.find("\n" + mark, begin) + 1;
  ASSERT_LT(begin, end);
  const auto head = source.substr(begin, end - begin);
  EXPECT_NE(text_of("docs/development.md").find("```cpp\n" + head + "```\n"), std::string::npos)
      << "docs/development.md is to show:\n"
      << head;
}

}  // namespace
}  // namespace glint
