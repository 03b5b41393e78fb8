#pragma once

#include <memory>

#include "glint/model/features.h"
#include "glint/model/head.h"
#include "glint/model/head_cost.h"

namespace glint::bench {

// A head and its literal form with the same parameters, as after some training. Without dropout, so that they agree.
struct Forms {
  Forms(const HeadConfig& config, const HeadSizes& sizes);
  std::shared_ptr<RetrievalHead> fast, literal;
};

FeatureShape shape_of(const HeadSizes& sizes);

// Nothing is padding.
TextFeatures random_text(const HeadSizes& sizes, int64_t items);
VideoFeatures random_video(const HeadSizes& sizes, int64_t items);

}  // namespace glint::bench
