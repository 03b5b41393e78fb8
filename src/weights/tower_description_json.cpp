#include "weights/tower_description_json.h"

#include "glint/core/error.h"

namespace glint {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kHeadWidth = 64;

int64_t heads(int64_t given, int64_t width) {
  return given > 0 ? given : width / kHeadWidth;
}
int64_t hidden(int64_t given, int64_t width) {
  return given > 0 ? given : 4 * width;
}

const char* activation(Activation activation) {
  switch (activation) {
    case Activation::kQuickGelu:
      return "quick_gelu";
    case Activation::kGelu:
      return "gelu";
    case Activation::kGeluTanh:
      return "gelu_pytorch_tanh";
  }
  GLINT_CHECK(false, "an activation without a name");
}

// What both towers of Hugging Face's have.
Json tower(int64_t width, int64_t hidden, int64_t layers, int64_t heads, const TowerSizes& sizes) {
  return {{"hidden_size", width},
          {"intermediate_size", hidden},
          {"num_hidden_layers", layers},
          {"num_attention_heads", heads},
          {"hidden_act", activation(sizes.activation)},
          {"layer_norm_eps", sizes.kind == TowerKind::kSiglip ? 1e-6 : 1e-5},
          {"attention_dropout", 0.0}};
}

}  // namespace

Json hugging_face_config(const TowerSizes& sizes, const Tokenizer& tokenizer) {
  const bool is_siglip = sizes.kind == TowerKind::kSiglip;
  auto text = tower(sizes.text_width, hidden(sizes.text_hidden, sizes.text_width), sizes.text_layers,
                    heads(sizes.text_heads, sizes.text_width), sizes);
  text["model_type"] = is_siglip ? "siglip_text_model" : "clip_text_model";
  text["vocab_size"] = sizes.vocabulary_size;
  text["max_position_embeddings"] = sizes.context_length;
  text[is_siglip ? "projection_size" : "projection_dim"] = sizes.embed_dim;
  text["bos_token_id"] = std::max<int64_t>(0, tokenizer.start_id());
  text["eos_token_id"] = tokenizer.end_id();  // the place of the text's feature
  text["pad_token_id"] = tokenizer.padding_id();
  auto vision = tower(sizes.vision_width, hidden(sizes.vision_hidden, sizes.vision_width), sizes.vision_layers,
                      heads(sizes.vision_heads, sizes.vision_width), sizes);
  vision["model_type"] = is_siglip ? "siglip_vision_model" : "clip_vision_model";
  vision["image_size"] = sizes.image_size;
  vision["patch_size"] = sizes.patch_size;
  vision["num_channels"] = 3;
  if (!is_siglip) vision["projection_dim"] = sizes.embed_dim;
  Json config = {{"architectures", {is_siglip ? "SiglipModel" : "CLIPModel"}},
                 {"model_type", is_siglip ? "siglip" : "clip"},
                 {"torch_dtype", "float32"},
                 {"text_config", text},
                 {"vision_config", vision}};
  if (!is_siglip) config["projection_dim"] = sizes.embed_dim;
  return config;
}

Json hugging_face_preprocessor(const TowerSizes& sizes) {
  const bool is_siglip = sizes.kind == TowerKind::kSiglip;
  const auto side = sizes.image_size;
  Json json = {{"image_processor_type", is_siglip ? "SiglipImageProcessor" : "CLIPImageProcessor"},
               {"do_resize", true},
               {"resample", 3},  // bicubic
               {"do_rescale", true},
               {"do_normalize", true},
               {"image_mean", pixel_scale(sizes.kind).mean},
               {"image_std", pixel_scale(sizes.kind).stddev}};
  if (is_siglip) {
    json["size"] = {{"height", side}, {"width", side}};
  } else {
    json["do_convert_rgb"] = true;
    json["size"] = {{"shortest_edge", side}};
    json["do_center_crop"] = true;
    json["crop_size"] = {{"height", side}, {"width", side}};
  }
  return json;
}

Json open_clip_config(const TowerSizes& sizes) {
  if (sizes.kind != TowerKind::kClip || sizes.activation == Activation::kGeluTanh) {
    throw Error("open_clip has no towers of its own like these; export them with --format huggingface");
  }
  const auto ratio = [](int64_t inner, int64_t width) {
    return static_cast<double>(inner) / static_cast<double>(width);
  };
  const Json vision = {{"image_size", sizes.image_size},
                       {"layers", sizes.vision_layers},
                       {"width", sizes.vision_width},
                       {"head_width", sizes.vision_width / heads(sizes.vision_heads, sizes.vision_width)},
                       {"mlp_ratio", ratio(hidden(sizes.vision_hidden, sizes.vision_width), sizes.vision_width)},
                       {"patch_size", sizes.patch_size}};
  const Json text = {{"context_length", sizes.context_length},
                     {"vocab_size", sizes.vocabulary_size},
                     {"width", sizes.text_width},
                     {"heads", heads(sizes.text_heads, sizes.text_width)},
                     {"layers", sizes.text_layers},
                     {"mlp_ratio", ratio(hidden(sizes.text_hidden, sizes.text_width), sizes.text_width)}};
  Json model = {{"embed_dim", sizes.embed_dim},
                {"quick_gelu", sizes.activation == Activation::kQuickGelu},
                {"vision_cfg", vision},
                {"text_cfg", text}};
  if (sizes.has_logit_bias) model["init_logit_bias"] = 0.0;  // that it has one
  return {{"model_cfg", model},
          {"preprocess_cfg",
           {{"mean", pixel_scale(sizes.kind).mean},
            {"std", pixel_scale(sizes.kind).stddev},
            {"interpolation", "bicubic"},
            {"resize_mode", "shortest"}}}};
}

}  // namespace glint
