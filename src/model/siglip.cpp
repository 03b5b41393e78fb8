#include "model/siglip.h"

#include <torch/torch.h>

#include <cmath>

#include "glint/core/error.h"
#include "glint/nn/linear.h"
#include "glint/nn/transformer.h"
#include "model/tower_parts.h"

// N images, P patches, W tower width, D embedding; A texts, L tokens.
namespace glint {

namespace {

const double kSiglipLogitScale = std::log(10.0);
constexpr double kSiglipLogitBias = -10;

// A learned query attends over an image's tokens; what it gathers runs through an MLP.
struct AttentionPool : torch::nn::Module {
  explicit AttentionPool(const BlockSizes& sizes) : sizes_(sizes) {
    const auto width = sizes.width;
    probe = register_parameter("probe", normal({width}, 1));
    attn = register_module("attn", std::make_shared<TransformerBlock::Attention>(width));
    ln = register_module("ln", std::make_shared<LayerNorm>(width, sizes.layer_norm_eps));
    mlp = register_module("mlp",
                          std::make_shared<TransformerBlock::Mlp>(width, sizes.hidden > 0 ? sizes.hidden : 4 * width));
  }

  // [N, P, W] -> [N, W]
  torch::Tensor forward(const torch::Tensor& tokens) const {
    const auto n = tokens.size(0), p = tokens.size(1), w = tokens.size(2), heads = sizes_.heads, d = w / heads;
    const auto weights = attn->in_proj_weight.split_with_sizes({w, 2 * w});
    const auto biases = attn->in_proj_bias.split_with_sizes({w, 2 * w});
    const auto query =
        fast_linear(probe.unsqueeze(0), weights[0], biases[0]).view({1, heads, 1, d}).expand({n, -1, -1, -1});
    const auto packed = fast_linear(tokens, weights[1], biases[1]);                         // [N, P, 2W]
    const auto parts = packed.view({n, p, 2, heads, d}).permute({2, 0, 3, 1, 4}).unbind();  // 2 x [N, H, P, d]
    const auto mixed = attention(query, parts[0], parts[1], {}).squeeze(1);                 // [N, W]
    const auto gathered = fast_linear(mixed, attn->out_proj->weight, attn->out_proj->bias);
    return gathered + glint::mlp(ln->forward(gathered), mlp->c_fc->weight, mlp->c_fc->bias, mlp->c_proj->weight,
                                 mlp->c_proj->bias, sizes_.activation);
  }

  torch::Tensor probe;  // [W]
  std::shared_ptr<TransformerBlock::Attention> attn;
  std::shared_ptr<LayerNorm> ln;
  std::shared_ptr<TransformerBlock::Mlp> mlp;

 private:
  BlockSizes sizes_;
};

struct SiglipVisionTower : torch::nn::Module {
  explicit SiglipVisionTower(const TowerSizes& s) {
    const int64_t grid = s.image_size / s.patch_size, width = s.vision_width;
    const auto sizes = vision_blocks(s);
    positional_embedding = register_parameter("positional_embedding", normal({grid * grid, width}, per_root(width)));
    conv1 = register_module("conv1", std::make_shared<PatchEmbedding>(width, s.patch_size, /*with_bias=*/true));
    transformer = register_module("transformer", std::make_shared<Transformer>(s.vision_layers, sizes));
    ln_post = register_module("ln_post", std::make_shared<LayerNorm>(width, sizes.layer_norm_eps));
    pool = register_module("pool", std::make_shared<AttentionPool>(sizes));
  }

  torch::Tensor positional_embedding;  // [P, W]
  std::shared_ptr<PatchEmbedding> conv1;
  std::shared_ptr<Transformer> transformer;
  std::shared_ptr<LayerNorm> ln_post;
  std::shared_ptr<AttentionPool> pool;
};

}  // namespace

// The text tower's parameters stand at the top, as in CLIP.
struct SiglipModel::Parts {
  std::shared_ptr<SiglipVisionTower> visual;
  std::shared_ptr<Transformer> transformer;
  std::shared_ptr<TokenEmbedding> token_embedding;
  std::shared_ptr<LayerNorm> ln_final;
  std::shared_ptr<Linear> text_projection;
  torch::Tensor positional_embedding;
};

SiglipModel::SiglipModel(const TowerSizes& sizes) : Towers(sizes), parts_(std::make_shared<Parts>()) {
  check_sizes(sizes);
  if (sizes.embed_dim != sizes.vision_width) {
    throw Error("config.model.towers.embed_dim: ", sizes.embed_dim, " is not the vision_width of ", sizes.vision_width,
                ", which is what SigLIP's image tower gives");
  }
  auto& t = *parts_;
  const auto blocks = text_blocks(sizes);
  t.positional_embedding =
      register_parameter("positional_embedding", normal({sizes.context_length, sizes.text_width}, 0.01));
  logit_scale = register_parameter("logit_scale", torch::full({}, kSiglipLogitScale));
  logit_bias = register_parameter("logit_bias", torch::full({}, kSiglipLogitBias));
  t.visual = register_module("visual", std::make_shared<SiglipVisionTower>(sizes));
  t.transformer = register_module("transformer", std::make_shared<Transformer>(sizes.text_layers, blocks));
  t.token_embedding =
      register_module("token_embedding", std::make_shared<TokenEmbedding>(sizes.vocabulary_size, sizes.text_width));
  t.ln_final = register_module("ln_final", std::make_shared<LayerNorm>(sizes.text_width, blocks.layer_norm_eps));
  t.text_projection = register_module("text_projection", std::make_shared<Linear>(sizes.text_width, sizes.embed_dim));
}

SiglipModel::~SiglipModel() = default;

torch::Tensor SiglipModel::normalise(const torch::Tensor& frames) const {
  return normalise_pixels(frames, pixel_scale(TowerKind::kSiglip));
}

torch::Tensor SiglipModel::encode_image(const torch::Tensor& pixels, const BetweenBlocks& between) {
  GLINT_CHECK(!between, "SigLIP's towers have no class token to keep between blocks");
  const auto& visual = *parts_->visual;
  const auto patches = visual.conv1->forward(pixels) + visual.positional_embedding;  // [N, P, W]
  const auto tokens = visual.transformer->resblocks->forward(patches, {});
  return visual.pool->forward(visual.ln_post->forward(tokens));
}

std::pair<torch::Tensor, torch::Tensor> SiglipModel::encode_text(const torch::Tensor& ids, const torch::Tensor&,
                                                                 TextMask) {
  const auto& t = *parts_;
  const auto length = ids.size(1);
  GLINT_CHECK(length <= sizes().context_length, length, " tokens, context length ", sizes().context_length);
  auto x = torch::embedding(t.token_embedding->weight, ids) + t.positional_embedding.slice(0, 0, length);  // [A, L, W]
  x = t.ln_final->forward(t.transformer->resblocks->forward(x, {}));
  const auto words = fast_linear(x, t.text_projection->weight, t.text_projection->bias);  // [A, L, D]
  return {words, words.select(1, length - 1)};
}

}  // namespace glint
