#pragma once

#include <torch/types.h>

#include <cstdint>

#include "glint/model/features.h"
#include "glint/model/head.h"

namespace glint {

// Every text against every video in blocks of `block` x `block`, without autograd. -> float [A, B] on the CPU
torch::Tensor similarity_matrix(RetrievalHead& head, const TextFeatures& text, const VideoFeatures& video,
                                int64_t block);

}  // namespace glint
