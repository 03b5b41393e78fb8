#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include "glint/config/glccl_config.h"

namespace glint::literal {

// GLCCL's head as methods 4 writes it down, for any floating type: every text-guided video [A, B, D] and every
// word-guided frame [A, B, L, D] formed. Slow and obvious: the judge of the fast head, whose parameter names it shares.
// A texts, B videos, L words, T frames, D width.
class Glccl : public torch::nn::Module {
 public:
  Glccl(const GlcclConfig& config, int64_t width, int64_t max_words, int64_t max_frames);

  struct Scores {
    torch::Tensor video_sentence, video_word, sentence_frame, frame_word, all;  // [A, B], cosine scale
    torch::Tensor csc;                                                          // of A == B, otherwise undefined
    torch::Tensor frames;                                                       // beta of the sentence [A, B, 1, T]
    torch::Tensor words;  // softmax(m / 0.01) over the words [A, L, B]
  };
  // sentence [A, D], words [A, L, D], frames [B, T, D]; the masks [A, L], [B, T] count where the settings ask for them,
  // and leave something of every item.
  Scores forward(const torch::Tensor& sentence, const torch::Tensor& words, const torch::Tensor& frames,
                 const torch::Tensor& word_mask, const torch::Tensor& frame_mask);

  // Its parts: of texts alone, and of pairs with the un-normalised frames.
  struct Texts {
    torch::Tensor sentence, words;            // [A, D], [A, L, D]
    torch::Tensor unit_words;                 // [A, L, D]
    torch::Tensor unit_sentence;              // [A, D]
    torch::Tensor global_mixed, local_mixed;  // c W_g [A, D], w W_l [A, L, D] of the unit ones
    torch::Tensor mask;                       // [A, L]
  };
  Texts texts(const torch::Tensor& sentence, const torch::Tensor& words, const torch::Tensor& mask) const;
  Scores score(const Texts& texts, const torch::Tensor& frames, const torch::Tensor& frame_mask) const;

 private:
  torch::Tensor weights(const torch::Tensor& queries, const torch::Tensor& frames, const torch::Tensor& mask) const;
  torch::Tensor attention(const torch::Tensor& x, int64_t dim, const torch::Tensor& mask) const;
  torch::Tensor attend(const torch::Tensor& x, int64_t dim, const torch::Tensor& matrix,
                       const torch::Tensor& mask) const;

  GlcclConfig config_;
};

}  // namespace glint::literal
