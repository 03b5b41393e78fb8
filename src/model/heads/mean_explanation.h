#pragma once

#include <ATen/ATen.h>

#include "glint/model/head.h"
#include "model/heads/unit.h"

namespace glint {

// Of the cosine with the direction of the sum of the unit frames that the mask leaves: frames weigh alike, and each
// adds its own cosine over the length of that sum. sentence [1, D], frames [1, T, D], mask [1, T]
inline PairExplanation explain_mean(const at::Tensor& sentence, const at::Tensor& frames, const at::Tensor& mask) {
  const auto kept = mask[0].to(frames.scalar_type());       // [T]
  const auto units = unit(frames[0]) * kept.unsqueeze(-1);  // [T, D]
  const auto length = at::linalg_vector_norm(units.sum(0));
  const auto added = at::mv(units, unit(sentence[0])) / length.masked_fill(length == 0, 1);  // [T]
  return {.parts = {{"cosine", added.sum().item<double>()}},
          .frames = to_numbers(kept / kept.sum().clamp_min(1)),
          .words = {},
          .frame_parts = to_numbers(added)};
}

}  // namespace glint
