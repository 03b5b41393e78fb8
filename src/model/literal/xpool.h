#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <map>
#include <string>

namespace glint::literal {

// X-Pool's head as methods 5.2 writes it down, without dropout, for any floating type: every pair's pooled video whole,
// all projections after the pooling. Slow and obvious: the judge of the fast head. `weights` has the released names. A
// texts, B videos, T frames, D width.
struct Xpool {
  std::map<std::string, torch::Tensor> weights;

  torch::Tensor pooled(const torch::Tensor& sentence,
                       const torch::Tensor& frames) const;  // [A, D], [B, T, D] -> [B, A, D]
  torch::Tensor scores(const torch::Tensor& sentence, const torch::Tensor& frames) const;  // -> [A, B]

  // Their parts: of items alone, and of pairs.
  struct Videos {
    torch::Tensor keys, values;  // [B, T, D]
  };
  torch::Tensor query(const torch::Tensor& sentence) const;  // [A, D] -> [A, D]
  Videos videos(const torch::Tensor& frames) const;
  torch::Tensor attention(const torch::Tensor& query, const Videos& videos) const;  // [A, D] -> [B, A, T]
  torch::Tensor pooled_by(const torch::Tensor& query, const Videos& videos) const;  // [A, D] -> [B, A, D]
  static torch::Tensor cosine(const torch::Tensor& sentence, const torch::Tensor& pooled);

 private:
  torch::Tensor linear(const std::string& name, const torch::Tensor& x) const;
  torch::Tensor norm(const std::string& name, const torch::Tensor& x) const;
};

}  // namespace glint::literal
