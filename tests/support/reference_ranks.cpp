#include "support/reference_ranks.h"

#include <algorithm>
#include <cmath>

namespace glint::test {

std::vector<double> reference_ranks(const torch::Tensor& scores, NanOrder nan_order) {
  std::vector<double> ranks;
  const auto before = [&](float a, float b) {
    if (std::isnan(a) || std::isnan(b)) {
      return nan_order == NanOrder::kFirst ? std::isnan(a) && !std::isnan(b) : !std::isnan(a) && std::isnan(b);
    }
    return a > b;
  };
  for (int64_t i = 0; i < scores.size(0); ++i) {
    const auto values = scores[i].to(torch::kFloat32).contiguous();
    std::vector<float> row(values.const_data_ptr<float>(), values.const_data_ptr<float>() + values.numel());
    const float own = row[static_cast<std::size_t>(i)];
    std::stable_sort(row.begin(), row.end(), before);
    for (std::size_t place = 0; place < row.size(); ++place) {
      if (row[place] - own == 0) ranks.push_back(static_cast<double>(place));  // infinity - infinity is not
    }
  }
  return ranks;
}

}  // namespace glint::test
