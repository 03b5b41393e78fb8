#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/transformer.h>
#include <torch/types.h>

#include "glint/config/glscl_config.h"

namespace glint::literal {

// GLSCL's head as methods 3 writes it down, for any floating type: LibTorch's own TransformerDecoder, every text-guided
// video formed as [A, B, D], the mask after the softmax. Slow and obvious: the judge of the fast head, whose parameter
// names it shares. A texts, B videos, L tokens, T frames, D width, Q queries.
class Glscl : public torch::nn::Module {
 public:
  // As released: full decoder, shared queries, nothing hidden from it.
  Glscl(const GlsclConfig& config, int64_t width);

  struct Scores {
    torch::Tensor global, query, all;  // S_g, s, S; [A, B] each
    torch::Tensor frames;              // alpha, masked after the softmax [A, B, T]
    torch::Tensor icl, idl;            // of A == B, otherwise undefined
  };
  // sentence [A, D], words [A, L, D], frames [B, T, D], mask [B, T]
  Scores forward(const torch::Tensor& sentence, const torch::Tensor& words, const torch::Tensor& frames,
                 const torch::Tensor& mask);

  // Its parts: of items (words or frames) [N, L or T, D] -> [N, Q, D]; of pairs, nouns [A, Q, D] and visuals [B, Q, D],
  // without losses; the losses of A == B.
  torch::Tensor concepts(const torch::Tensor& tokens);
  Scores score(const torch::Tensor& sentence, const torch::Tensor& frames, const torch::Tensor& mask,
               const torch::Tensor& nouns, const torch::Tensor& visuals) const;
  void add_losses(const torch::Tensor& nouns, const torch::Tensor& visuals, Scores& scores) const;

 private:
  torch::Tensor icl(const torch::Tensor& visuals, const torch::Tensor& nouns) const;
  torch::Tensor idl(const torch::Tensor& concepts) const;

  GlsclConfig config_;
  torch::Tensor queries_;
  torch::nn::TransformerDecoder decoder_{nullptr};
};

}  // namespace glint::literal
