#pragma once

#include <torch/types.h>

#include <vector>

namespace glint::test {

enum class NanOrder {
  kLast,
  kFirst
};  // where the published sort puts NaN: CLIP4Clip (numpy) last, GLSCL (torch) first

// The published single-caption ranks of a square matrix, quirks and all (methods 9.1): every place of the sorted row
// that equals the diagonal is an entry, so ties add entries, and a row whose diagonal is not finite has none.
std::vector<double> reference_ranks(const torch::Tensor& scores, NanOrder nan_order);

}  // namespace glint::test
