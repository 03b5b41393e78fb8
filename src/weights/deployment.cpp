#include "weights/deployment.h"

#include <torch/torch.h>

#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/hash.h"
#include "glint/core/json.h"
#include "glint/weights/torchscript.h"
#include "glint/weights/tower_weights.h"
#include "weights/tokenizer_files.h"

namespace glint {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kDeployFormat = "glint deploy 1";

// The checkpoint's settings without the places and files of the machine it was trained on.
Config portable(Config config) {
  config.run = {};
  config.data = {};
  config.text.vocabulary.clear();
  config.model.weights.clear();
  return config;
}

Json picture_json(const VideoConfig& video, const TowerSizes& sizes) {
  const auto& scale = pixel_scale(sizes.kind);
  return {{"size", video.image_size}, {"fit", video.fit}, {"filter", "bicubic"}, {"antialias", true},
          {"channels", "RGB"},        {"divide_by", 255}, {"mean", scale.mean},  {"std", scale.stddev}};
}

Json text_json(const Tokenizer& tokenizer, const TextConfig& config) {
  return {{"tokenizer", tokenizer.name()},
          {"file", tokenizer_file_name(tokenizer)},
          {"vocabulary_size", tokenizer.vocabulary_size()},
          {"max_words", config.max_words},
          {"start_id", tokenizer.start_id()},
          {"end_id", tokenizer.end_id()},
          {"padding_id", tokenizer.padding_id()}};
}

Json scores_json(RetrievalModel& model) {
  const auto& bias = model.clip().logit_bias;
  return {{"logit_scale", model.logit_scale().item<double>()},
          {"logit_bias", bias.defined() ? Json(bias.item<double>()) : Json()}};
}

Json settings_json(const Checkpoint& checkpoint, RetrievalModel& model) {
  const auto all = Json::parse(config_json(checkpoint.config));
  const auto& video = all.at("video");
  const auto& clip = all.at("model");
  Json towers = Json::parse(json_text(all.at("model").at("towers")));
  towers["text_mask"] = clip.at("text_mask");
  towers["clustering"] = clip.at("clustering");
  return {{"format", kDeployFormat},
          {"step", checkpoint.state.step},
          {"picture", picture_json(checkpoint.config.video, model.clip().sizes())},
          {"video",
           {{"num_frames", video.at("num_frames")},
            {"sampling", video.at("sampling")},
            {"fps", video.at("fps")},
            {"max_seconds", video.at("max_seconds")},
            {"apply_rotation", video.at("apply_rotation")}}},
          {"text", text_json(*checkpoint.tokenizer, checkpoint.config.text)},
          {"towers", towers},
          {"temporal", {{"name", clip.at("temporal")}, {"layers", clip.at("temporal_layers")}}},
          {"head", all.at("head")},
          {"scores", scores_json(model)}};
}

Deployment describe(const Checkpoint& checkpoint, bool as_script) {
  const auto model = restore_model(checkpoint, Weights::kShared);
  Deployment deployment{&checkpoint, model->clip().sizes(), as_script, settings_json(checkpoint, *model), 0};
  const auto parameters = as_script ? model->clip().parameters() : model->parameters();
  for (const auto& parameter : parameters) deployment.parameters += parameter.numel();
  return deployment;
}

// deploy.json, usage.md and SHA256SUMS beside `files`.
void describe_files(const Deployment& deployment, const fs::path& out, std::vector<fs::path>& files) {
  write_file(out / "deploy.json", json_text(deployment.settings, 2) + "\n");
  files.push_back(out / "deploy.json");
  write_file(out / "usage.md", usage_text(deployment, files));
  files.push_back(out / "usage.md");
  std::string sums;
  for (const auto& file : files) sums += sha256_of_file(file) + "  " + file.filename().string() + "\n";
  write_file(out / "SHA256SUMS", sums);
  files.push_back(out / "SHA256SUMS");
}

}  // namespace

std::vector<fs::path> export_deployment(const Checkpoint& checkpoint, const fs::path& out) {
  save_checkpoint(out, portable(checkpoint.config), *checkpoint.tokenizer, checkpoint.model, checkpoint.assumed);
  std::vector<fs::path> files = {out / "model.safetensors", out / "config.yaml", out / "state.json"};
  files.push_back(write_tokenizer_file(*checkpoint.tokenizer, checkpoint.config.text, out));
  describe_files(describe(checkpoint, /*as_script=*/false), out, files);
  return files;
}

std::vector<fs::path> export_torchscript(const Checkpoint& checkpoint, const fs::path& out) {
  const auto& model = checkpoint.config.model;
  if (!model.clustering.stages.empty()) {
    throw Error(
        "--format torchscript: this image tower merges tokens between its blocks (model.clustering), which the "
        "archive has no code for; export it with --format deploy");
  }
  const auto deployment = describe(checkpoint, /*as_script=*/true);
  const auto mask = model.text_mask == "causal" ? TextMask::kCausal : TextMask::kCausalPadding;
  write_torchscript(out / "towers.pt", without_prefix(checkpoint.model, "clip."), deployment.sizes, mask);
  std::vector<fs::path> files = {out / "towers.pt"};
  files.push_back(write_tokenizer_file(*checkpoint.tokenizer, checkpoint.config.text, out));
  describe_files(deployment, out, files);
  return files;
}

}  // namespace glint
