#pragma once

#include <torch/types.h>

#include <cstdint>

#include "glint/model/retrieval_model.h"

namespace glint {

// How the patches of a set of pictures vary together, pixel by pixel; what whitening needs.
class PatchMoments {
 public:
  explicit PatchMoments(int64_t patch_size) : patch_size_(patch_size) {}

  void add(const torch::Tensor& frames);  // uint8 [N, 3, R, R], R a multiple of the patch size
  int64_t patches() const { return patches_; }
  torch::Tensor second_moment() const;  // double [3 p p, 3 p p], not centred; at least one patch was added

 private:
  int64_t patch_size_;
  int64_t patches_ = 0;
  torch::Tensor sum_;
};

// Model.start = short_run: another start for towers that are trained from nothing in some hundred steps.
//  - The patch embedding whitens: its outputs are the patches' principal components, turned at random, each of about
//    unit size, so that outlines count as much as brightness and colour (as the first layer of fast CIFAR training:
//    Page, "How to train your ResNet", 8; Jordan, arXiv:2404.00498, section 3.2).
//  - The tables of tokens and positions start large enough to be seen. OpenAI's are 0.01 to 0.02 beside features of 1:
//    the order of words and frames then hardly shows, and Adam's first steps change such tables by a tenth each.
// Draws from LibTorch's global generator.
void initialise_for_short_run(RetrievalModel& model, const PatchMoments& moments);

}  // namespace glint
