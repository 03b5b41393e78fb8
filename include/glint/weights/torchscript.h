#pragma once

#include <filesystem>

#include "glint/model/towers.h"

namespace glint {

// The two towers as a TorchScript archive, which torch.jit.load opens in Python and torch::jit::load in C++, without
// glint. Atomic. `weights`: the towers alone, under our names. Methods of the archive, N images, A texts, L <=
// context_length tokens:
//   normalise(frames)       uint8 [N, 3, R, R] -> float, as the towers were trained to see pixels
//   encode_image(pixels)    what normalise() gives -> [N, D]
//   encode_text(ids, mask)  int64 [A, L] each -> (the text's feature [A, D], every token [A, L, D])
// Attributes: image_size, embed_dim, context_length, vocabulary_size. Parameters bear our names.
void write_torchscript(const std::filesystem::path& path, const TensorMap& weights, const TowerSizes& sizes,
                       TextMask mask);

}  // namespace glint
