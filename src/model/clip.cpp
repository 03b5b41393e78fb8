#include "glint/model/clip.h"

#include <torch/torch.h>

#include <cmath>

#include "glint/core/error.h"
#include "glint/nn/initialisation.h"
#include "glint/nn/linear.h"
#include "glint/nn/transformer.h"
#include "model/tower_parts.h"

// N images, P patches, p patch side in pixels, W tower width, D embedding; A texts, L tokens.
namespace glint {

namespace {

const double kClipLogitScale = std::log(1 / 0.07);
constexpr double kClipLogitBias = -10;  // SigLIP's

struct ClipVisionTower : torch::nn::Module {
  explicit ClipVisionTower(const TowerSizes& s) {
    const int64_t grid = s.image_size / s.patch_size, width = s.vision_width;
    const double scale = per_root(width);
    class_embedding = register_parameter("class_embedding", normal({width}, scale));
    positional_embedding = register_parameter("positional_embedding", normal({1 + grid * grid, width}, scale));
    proj = register_parameter("proj", normal({width, s.embed_dim}, scale));
    conv1 = register_module("conv1", std::make_shared<PatchEmbedding>(width, s.patch_size, /*with_bias=*/false));
    ln_pre = register_module("ln_pre", std::make_shared<LayerNorm>(width, kClipLayerNormEps));
    transformer = register_module("transformer", std::make_shared<Transformer>(s.vision_layers, vision_blocks(s)));
    ln_post = register_module("ln_post", std::make_shared<LayerNorm>(width, kClipLayerNormEps));
  }

  torch::Tensor start(const torch::Tensor& pixels) const {
    const auto patches = conv1->forward(pixels) + positional_embedding.slice(0, 1);                  // [N, P, W]
    const auto first = (class_embedding + positional_embedding[0]).expand({pixels.size(0), 1, -1});  // [N, 1, W]
    return ln_pre->forward(torch::cat({first, patches}, 1));                                         // [N, 1+P, W]
  }

  // What the last block takes.
  torch::Tensor before_last(const torch::Tensor& pixels, const BetweenBlocks& between) const {
    auto& blocks = *transformer->resblocks;
    auto x = start(pixels);
    for (int64_t done = 0;; ++done) {
      if (between) x = between(done, x);
      if (done + 1 == blocks.size()) return x;
      x = blocks[done].forward(x, {});
    }
  }

  torch::Tensor class_embedding, positional_embedding, proj;
  std::shared_ptr<PatchEmbedding> conv1;
  std::shared_ptr<LayerNorm> ln_pre, ln_post;
  std::shared_ptr<Transformer> transformer;
};

// Additive attention bias [A, 1, L, L]: -inf above the diagonal and where the key is padding. A row's first token stays
// visible, so that no row is without any key.
torch::Tensor causal_padding_bias(const torch::Tensor& mask, torch::ScalarType type) {
  const auto length = mask.size(1);
  const auto future = torch::ones({length, length}, mask.options().dtype(torch::kBool)).triu(1);  // [L, L]
  auto hidden = (mask == 0).view({-1, 1, 1, length}).clone();                                     // [A, 1, 1, L]
  hidden.select(-1, 0).fill_(false);
  const auto zero = torch::zeros({}, mask.options().dtype(type));
  return torch::where(hidden.logical_or(future), -INFINITY, zero);
}

// Towers start as OpenAI's initialize_parameters(): it sets the text blocks; the image blocks keep PyTorch's own start.
void initialise_text_blocks(BlockStack& blocks, int64_t width) {
  if (!initialises_parameters()) return;
  torch::NoGradGuard no_grad;
  const double proj_stddev = per_root(width) * per_root(2 * blocks.size());
  for (int64_t i = 0; i < blocks.size(); ++i) {
    blocks[i].attn->in_proj_weight.normal_(0, per_root(width));
    blocks[i].attn->out_proj->weight.normal_(0, proj_stddev);
    blocks[i].mlp->c_fc->weight.normal_(0, per_root(2 * width));
    blocks[i].mlp->c_proj->weight.normal_(0, proj_stddev);
  }
}

}  // namespace

// The text tower's parameters stand at the top of OpenAI's state dict, so ClipModel registers them itself.
struct ClipModel::Parts {
  std::shared_ptr<ClipVisionTower> visual;
  std::shared_ptr<Transformer> transformer;
  std::shared_ptr<TokenEmbedding> token_embedding;
  std::shared_ptr<LayerNorm> ln_final;
  torch::Tensor positional_embedding, text_projection;
};

ClipModel::ClipModel(const TowerSizes& sizes) : Towers(sizes), parts_(std::make_shared<Parts>()) {
  check_sizes(sizes);
  auto& t = *parts_;
  t.positional_embedding =
      register_parameter("positional_embedding", normal({sizes.context_length, sizes.text_width}, 0.01));
  t.text_projection =
      register_parameter("text_projection", normal({sizes.text_width, sizes.embed_dim}, per_root(sizes.text_width)));
  logit_scale = register_parameter("logit_scale", torch::full({}, kClipLogitScale));
  if (sizes.has_logit_bias) logit_bias = register_parameter("logit_bias", torch::full({}, kClipLogitBias));
  t.visual = register_module("visual", std::make_shared<ClipVisionTower>(sizes));
  t.transformer = register_module("transformer", std::make_shared<Transformer>(sizes.text_layers, text_blocks(sizes)));
  t.token_embedding =
      register_module("token_embedding", std::make_shared<TokenEmbedding>(sizes.vocabulary_size, sizes.text_width));
  t.ln_final = register_module("ln_final", std::make_shared<LayerNorm>(sizes.text_width, kClipLayerNormEps));
  initialise_text_blocks(*t.transformer->resblocks, sizes.text_width);
}

ClipModel::~ClipModel() = default;

torch::Tensor ClipModel::normalise(const torch::Tensor& frames) const {
  return normalise_pixels(frames);
}

torch::Tensor ClipModel::encode_image_tokens(const torch::Tensor& pixels, const BetweenBlocks& between) {
  auto& visual = *parts_->visual;
  const auto last = sizes().vision_layers - 1;
  const auto x = (*visual.transformer->resblocks)[last].forward(visual.before_last(pixels, between), {});
  return fast_linear(visual.ln_post->forward(x), visual.proj.t());  // [N, 1+P, D]
}

torch::Tensor ClipModel::encode_image(const torch::Tensor& pixels, const BetweenBlocks& between) {
  auto& visual = *parts_->visual;
  auto& blocks = *visual.transformer->resblocks;
  const auto x = visual.before_last(pixels, between);                                      // [N, 1+P, W]
  const auto row = blocks[blocks.size() - 1].forward_row(x.select(1, 0).contiguous(), x);  // [N, W]
  return fast_linear(visual.ln_post->forward(row), visual.proj.t());                       // [N, D]
}

std::pair<torch::Tensor, torch::Tensor> ClipModel::encode_text(const torch::Tensor& ids, const torch::Tensor& mask,
                                                               TextMask style) {
  auto& t = *parts_;
  const auto length = ids.size(1);
  GLINT_CHECK(length <= sizes().context_length, length, " tokens, context length ", sizes().context_length);
  auto x = torch::embedding(t.token_embedding->weight, ids) + t.positional_embedding.slice(0, 0, length);  // [A, L, W]
  const bool causal = style == TextMask::kCausal;
  x = t.transformer->resblocks->forward(
      x, {causal, causal ? torch::Tensor() : causal_padding_bias(mask, x.scalar_type())});
  const auto words = fast_linear(t.ln_final->forward(x), t.text_projection.t());   // [A, L, D]
  const auto end = ids.argmax(1).view({-1, 1, 1}).expand({-1, 1, words.size(2)});  // [A, 1, D]
  return {words, words.gather(1, end).squeeze(1)};
}

torch::Tensor normalise_pixels(const torch::Tensor& frames) {
  return normalise_pixels(frames, pixel_scale(TowerKind::kClip));
}

}  // namespace glint
