#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include "glint/config/xclip_config.h"

namespace glint::literal {

// X-CLIP's head as methods 5.1 writes it down, for any floating type: every similarity of every pair at once, autograd
// keeps them all. Slow and obvious: the judge of the fast head, whose parameter names it shares. A texts, B videos,
// L tokens, T frames, D width.
class Xclip : public torch::nn::Module {
 public:
  Xclip(const XclipConfig& config, int64_t width, int64_t words, int64_t frames);

  struct Scores {
    torch::Tensor video_sentence, video_word, sentence_frame, frame_word, all;  // S_vs, S_vw, S_sf, S_fw, S; [A, B]
    torch::Tensor words, frames;  // the softmax in S_vw over the words [A, L, B] and in S_sf over the frames [B, A, T]
  };
  // sentence [A, D], words [A, L, D], frames [B, T, D] after the temporal encoder, clip_frames [B, T, D] before it,
  // mask [B, T]
  Scores forward(const torch::Tensor& sentence, const torch::Tensor& words, const torch::Tensor& frames,
                 const torch::Tensor& clip_frames, const torch::Tensor& mask);

  // Its parts: of items alone, and of pairs.
  struct Texts {
    torch::Tensor sentence, words;            // unit c [A, D], w [A, L, D]
    torch::Tensor global_mixed, local_mixed;  // c W_g, w W_l
  };
  struct Videos {
    torch::Tensor whole, frames;  // unit v [B, D], f [B, T, D]
  };
  Texts texts(const torch::Tensor& sentence, const torch::Tensor& words) const;
  static Videos videos(const torch::Tensor& frames, const torch::Tensor& clip_frames, const torch::Tensor& mask);
  Scores score(const Texts& texts, const Videos& videos) const;

 private:
  double temperature_;
  torch::Tensor global_mat_, local_mat_, word_logit_, word_mat_, word_mat2_, frame_logit_, frame_mat_, frame_mat2_;
};

}  // namespace glint::literal
