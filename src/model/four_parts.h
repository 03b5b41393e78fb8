#pragma once

#include <ATen/ATen.h>

#include <string>
#include <utility>
#include <vector>

namespace glint {

// The parts of a score that is the mean of four, X-CLIP's and GLCCL's, each of one pair. What names them: which of the
// text (sentence, word) is compared with which of the video (video, frame).
inline std::vector<std::pair<std::string, double>> four_parts(const at::Tensor& video_sentence,
                                                              const at::Tensor& video_word,
                                                              const at::Tensor& sentence_frame,
                                                              const at::Tensor& frame_word) {
  return {{"video_sentence", video_sentence.item<double>() / 4},
          {"video_word", video_word.item<double>() / 4},
          {"sentence_frame", sentence_frame.item<double>() / 4},
          {"frame_word", frame_word.item<double>() / 4}};
}

}  // namespace glint
