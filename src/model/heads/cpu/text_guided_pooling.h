#pragma once

#include "model/heads/text_guided_pooling.h"

namespace glint::cpu {

// glint::text_guided_cosine() without gradients: piece by piece of pairs, each from its dot products to its scores in
// one thread's cache.
torch::Tensor text_guided_cosine(const PoolingTexts& texts, const PoolingVideos& videos, double temperature);

}  // namespace glint::cpu
