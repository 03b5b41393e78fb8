#include <variant>

#include "glint/model/head.h"

namespace glint {

std::shared_ptr<RetrievalHead> make_head(const HeadConfig& config, const FeatureShape& shape, double dropout) {
  return std::visit(
      [&](auto head) {
        if constexpr (requires { head.dropout; }) {
          if (dropout >= 0) head.dropout = dropout;
        }
        return make(head, shape);
      },
      config);
}

ShareOutput RetrievalHead::score_share(const TextFeatures& text, const VideoFeatures& video, int64_t begin,
                                       int64_t end) {
  const auto rows = score(slice(text, begin, end), video);
  const bool whole = end - begin == size(text);
  return {rows, whole ? rows : score(text, slice(video, begin, end)), /*sums=*/{}};
}

HeadOutput RetrievalHead::score_pairs(const TextFeatures& text, const VideoFeatures& video) {
  const auto pairs = size(text);
  const auto share = score_share(text, video, 0, pairs);
  return {share.text_scores, share.sums.defined() ? losses(share.sums, pairs) : std::vector<AuxLoss>()};
}

}  // namespace glint
