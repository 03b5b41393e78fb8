#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "glint/model/features.h"
#include "glint/model/head_cost.h"

namespace glint::bench {

// The matrix products of pairs in a head's exact form (HeadCost::exact), each one plain call of LibTorch's into memory
// that is there already.
struct Products {
  int64_t macs;
  std::function<void()> run;
};

// `head` is one of head_names(), the features are prepared by it.
Products products_of(const std::string& head, const HeadSizes& sizes, const TextFeatures& text,
                     const VideoFeatures& video);

}  // namespace glint::bench
