#include "glint/eval/similarity.h"

#include <torch/torch.h>

#include <algorithm>

#include "glint/core/error.h"

namespace glint {

torch::Tensor similarity_matrix(RetrievalHead& head, const TextFeatures& text, const VideoFeatures& video,
                                int64_t block) {
  GLINT_CHECK(block > 0, "block ", block);
  const torch::NoGradGuard no_grad;
  const int64_t texts = size(text), videos = size(video);
  auto scores = torch::empty({texts, videos}, torch::kFloat32);  // [A, B]
  for (int64_t first_text = 0; first_text < texts; first_text += block) {
    const int64_t last_text = std::min(first_text + block, texts);
    const auto some_texts = slice(text, first_text, last_text);
    for (int64_t first_video = 0; first_video < videos; first_video += block) {
      const int64_t last_video = std::min(first_video + block, videos);
      const auto part = head.score(some_texts, slice(video, first_video, last_video));  // [a, b]
      GLINT_CHECK(part.size(0) == last_text - first_text && part.size(1) == last_video - first_video,
                  "the head scored a block as ", part.sizes());
      scores.slice(0, first_text, last_text).slice(1, first_video, last_video).copy_(part);
    }
  }
  return scores;
}

}  // namespace glint
