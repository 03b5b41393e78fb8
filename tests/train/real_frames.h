#pragma once

#include <torch/types.h>

#include <cstdint>

namespace glint::test {

// Frames of a real clip where the shared ones are, else noise. -> uint8 [T, 3, side, side]
torch::Tensor real_frames(int64_t side);

}  // namespace glint::test
