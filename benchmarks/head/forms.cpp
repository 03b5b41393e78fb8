#include "head/forms.h"

#include <torch/torch.h>

#include <algorithm>

#include "glint/model/head_descriptor.h"

namespace glint::bench {

namespace {

constexpr int64_t kPositions = 77;      // of a position table, at least
constexpr double kFeatureScale = 0.45;  // features as long as CLIP's: about 10 for width 512

}  // namespace

Forms::Forms(const HeadConfig& config, const HeadSizes& sizes) {
  const FeatureShape shape = shape_of(sizes);
  fast = make_head(config, shape, /*dropout=*/0);
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : fast->parameters()) parameter.add_(torch::randn_like(parameter) * 0.01);
  }
  literal = make_literal(config, shape, *fast);
}

FeatureShape shape_of(const HeadSizes& sizes) {
  return {.width = sizes.width,
          .max_words = sizes.words,
          .max_frames = sizes.frames,
          .positions = std::max(kPositions, sizes.frames + 1)};
}

TextFeatures random_text(const HeadSizes& sizes, int64_t items) {
  TextFeatures text;
  text.sentence = torch::randn({items, sizes.width}) * kFeatureScale;
  text.words = torch::randn({items, sizes.words, sizes.width}) * kFeatureScale;
  text.mask = torch::ones({items, sizes.words}, torch::kLong);
  return text;
}

VideoFeatures random_video(const HeadSizes& sizes, int64_t items) {
  VideoFeatures video;
  video.frames = torch::randn({items, sizes.frames, sizes.width}) * kFeatureScale;
  video.clip_frames = video.frames;
  video.mask = torch::ones({items, sizes.frames}, torch::kLong);
  return video;
}

}  // namespace glint::bench
