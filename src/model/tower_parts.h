#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "glint/model/towers.h"
#include "glint/nn/transformer.h"

// What both kinds of towers are made of. N images, P patches, p patch side in pixels, W tower width.
namespace glint {

torch::Tensor normal(torch::IntArrayRef shape, double stddev);
double per_root(int64_t n);  // 1 / sqrt(n)

// Blocks under the name that OpenAI gives them.
struct Transformer : torch::nn::Module {
  Transformer(int64_t layers, const BlockSizes& sizes);
  std::shared_ptr<BlockStack> resblocks;
};

// Patches as one product: the convolution's stride is its kernel.
struct PatchEmbedding : torch::nn::Module {
  PatchEmbedding(int64_t width, int64_t patch, bool with_bias);
  torch::Tensor forward(const torch::Tensor& pixels) const;  // [N, 3, R, R] -> [N, P, W]
  torch::Tensor weight;                                      // [W, 3, p, p]
  torch::Tensor bias;                                        // [W] or undefined
};

struct TokenEmbedding : torch::nn::Module {
  TokenEmbedding(int64_t rows, int64_t width);
  torch::Tensor weight;  // [vocabulary, W]
};

// uint8 [..., 3, R, R] -> float: ((x / 255) - mean) / std, rounded step by step as ToTensor and Normalize round it.
torch::Tensor normalise_pixels(const torch::Tensor& frames, const PixelScale& scale);

}  // namespace glint
