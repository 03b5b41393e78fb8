#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <vector>

// Pre-norm transformer as CLIP's towers and the temporal encoder use it (methods 1.2, 2).
// N sequences, S positions, W width, H heads.
namespace glint {

constexpr double kClipLayerNormEps = 1e-5;       // CLIP
constexpr double kTemporalLayerNormEps = 1e-12;  // the TensorFlow-style LayerNorm of CLIP4Clip's transformers
constexpr double kClip4ClipStddev = 0.02;        // of the weights that the released init_weights starts
constexpr double kMaskedFrameBias = -1e6;        // added to the logits of padded frames there, as released
constexpr double kQuickGeluSlope = 1.702;        // QuickGELU(x) = x sigmoid(1.702 x)

// Of a block's MLP. QuickGELU is OpenAI's; GELU with the error function or, as SigLIP has it, with tanh instead.
enum class Activation { kQuickGelu, kGelu, kGeluTanh };

struct BlockSizes {
  int64_t width = 512;  // W, a multiple of heads
  int64_t heads = 8;    // H
  double layer_norm_eps = kClipLayerNormEps;
  int64_t hidden = 0;  // width of the MLP's inner layer; 0: 4 W
  Activation activation = Activation::kQuickGelu;
};

// What a position may look at: nothing (all positions), the positions before it (`causal`), or an additive `bias`
// that broadcasts to [N, H, S, S]. Never both. `bias` has no gradient.
struct AttentionMask {
  bool causal = false;
  torch::Tensor bias;
};

// Weight and bias of y = x W^T + b, starting as torch::nn::Linear does.
struct Linear : torch::nn::Module {
  Linear(int64_t in, int64_t out);
  torch::Tensor weight;  // [out, in]
  torch::Tensor bias;    // [out]
};

// Weight and bias of a layer norm, starting as ones and zeros.
struct LayerNorm : torch::nn::Module {
  LayerNorm(int64_t width, double eps);
  torch::Tensor forward(const torch::Tensor& x) const;
  torch::Tensor weight;
  torch::Tensor bias;
  double eps;
};

// What a block computes, of weights given as tensors: for those who differentiate by tensors of their own.
struct BlockFunction {
  int64_t heads;
  double layer_norm_eps;
  Activation activation;
  // The order of TransformerBlock::parameters().
  torch::Tensor in_proj_weight, in_proj_bias, out_proj_weight, out_proj_bias;  // [3W, W], [3W], [W, W], [W]
  torch::Tensor ln_1_weight, ln_1_bias;                                        // [W]
  torch::Tensor c_fc_weight, c_fc_bias, c_proj_weight, c_proj_bias;            // [M, W], [M], [W, M], [W]
  torch::Tensor ln_2_weight, ln_2_bias;                                        // [W]

  std::vector<torch::Tensor> weights() const;                    // in this order
  BlockFunction of_weights(const torch::Tensor* weights) const;  // the same of others, in this order

  torch::Tensor forward(const torch::Tensor& x, const AttentionMask& mask) const;  // [N, S, W] -> [N, S, W]

  // forward() in two steps, so that positions which many sequences share are projected once: queries, keys and values
  // of any positions, [..., W] -> [..., 3W]; then the rest, `packed` [N, S, 3W].
  torch::Tensor project(const torch::Tensor& x) const;
  torch::Tensor forward_projected(const torch::Tensor& x, const torch::Tensor& packed, const AttentionMask& mask) const;

  // The output at one position of each sequence, at the cost of its keys and values and of that one position:
  // `row` [N, W] is x at that position, `bias` (undefined or broadcasting to [N, H, 1, S]) what it may look at.
  // -> [N, W]
  torch::Tensor forward_row(const torch::Tensor& row, const torch::Tensor& x, const torch::Tensor& bias = {}) const;
};

// x + attention(LN1(x)), then x + MLP(LN2(x)). No dropout.
// Parameters: attn.{in_proj_weight,in_proj_bias,out_proj.*}, ln_1.*, mlp.{c_fc,c_proj}.*, ln_2.*; they start as
// PyTorch's MultiheadAttention and Linear do.
class TransformerBlock final : public torch::nn::Module {
 public:
  explicit TransformerBlock(const BlockSizes& sizes);

  BlockFunction function() const;  // of this block's parameters

  torch::Tensor forward(const torch::Tensor& x, const AttentionMask& mask);
  torch::Tensor forward_row(const torch::Tensor& row, const torch::Tensor& x, const torch::Tensor& bias = {});

  // Autograd keeps what goes in alone, and the backward pass computes the block again.
  void recompute(bool on) { recompute_ = on; }

  struct Attention : torch::nn::Module {
    explicit Attention(int64_t width);
    torch::Tensor in_proj_weight;  // [3W, W], rows q, k, v
    torch::Tensor in_proj_bias;    // [3W]
    std::shared_ptr<Linear> out_proj;
  };
  struct Mlp : torch::nn::Module {
    Mlp(int64_t width, int64_t hidden);
    std::shared_ptr<Linear> c_fc, c_proj;
  };
  std::shared_ptr<Attention> attn;
  std::shared_ptr<LayerNorm> ln_1, ln_2;
  std::shared_ptr<Mlp> mlp;

 private:
  int64_t heads_;
  Activation activation_;
  bool recompute_ = false;
};

// Every TransformerBlock below `root`.
void recompute_blocks(torch::nn::Module& root, bool on);

// Blocks one after the other, registered as "0", "1", ...
class BlockStack final : public torch::nn::Module {
 public:
  BlockStack(int64_t layers, const BlockSizes& sizes);

  torch::Tensor forward(torch::Tensor x, const AttentionMask& mask);

  // The released init_weights: matrices N(0, 0.02), biases 0; it does not reach the packed in_proj.
  void initialise_as_clip4clip();

  int64_t size() const { return static_cast<int64_t>(blocks_.size()); }
  TransformerBlock& operator[](int64_t i) { return *blocks_.at(static_cast<std::size_t>(i)); }

 private:
  std::vector<std::shared_ptr<TransformerBlock>> blocks_;
};

// c_proj(activation(c_fc(x))) of a block's MLP. x [..., W] -> [..., W]
torch::Tensor mlp(const torch::Tensor& x, const torch::Tensor& c_fc_weight, const torch::Tensor& c_fc_bias,
                  const torch::Tensor& c_proj_weight, const torch::Tensor& c_proj_bias, Activation activation);

// softmax(q k^T / sqrt(d) + bias) v. q [N, H, S, d], k and v [N, H, K, d] in any strides whose last is 1 -> [N, S,
// H*d].
torch::Tensor attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                        const AttentionMask& mask);

}  // namespace glint
