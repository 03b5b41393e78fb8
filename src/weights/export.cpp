#include "glint/weights/export.h"
#include "glint/core/json.h"

#include <torch/torch.h>

#include <nlohmann/json.hpp>

#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/temporary.h"
#include "glint/io/safetensors.h"
#include "glint/io/torch_file.h"
#include "glint/model/head_descriptor.h"
#include "glint/weights/tower_weights.h"
#include "weights/deployment.h"
#include "weights/tokenizer_files.h"
#include "weights/tower_description_json.h"

namespace glint {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

const std::map<std::string, std::string> kForPyTorch = {{"format", "pt"}};  // what PyTorch's readers ask for

Json sizes_json(const TowerSizes& sizes) {
  return {{"embed_dim", sizes.embed_dim},
          {"image_size", sizes.image_size},
          {"patch_size", sizes.patch_size},
          {"vision_width", sizes.vision_width},
          {"vision_layers", sizes.vision_layers},
          {"text_width", sizes.text_width},
          {"text_layers", sizes.text_layers},
          {"context_length", sizes.context_length},
          {"vocabulary_size", sizes.vocabulary_size}};
}

void write_json(const fs::path& path, const Json& json) {
  write_file(path, json_text(json, 2) + "\n");
}

std::vector<fs::path> export_reference(const Checkpoint& checkpoint, const fs::path& out) {
  const auto model = restore_model(checkpoint, Weights::kShared);
  const auto names = model->reference_names();
  const bool has_hugging_face_names = released_system(checkpoint.config.head).has_hugging_face_names;
  TensorMap tensors, towers;
  for (const auto& item : model->named_parameters()) {
    const auto found = names.find(item.key());
    GLINT_CHECK(found != names.end(), "parameter ", item.key(), " has no name in the released code");
    tensors[found->second] = item.value().detach();
  }
  if (has_hugging_face_names) {
    towers = without_prefix(tensors, "clip.");
    std::erase_if(tensors, [](const auto& entry) { return entry.first.starts_with("clip."); });
    for (const auto& [name, tensor] : export_towers(towers, WeightNames::kHuggingFace, model->clip().sizes())) {
      tensors["clip." + name] = tensor;
    }
  }
  Json config;
  config["format"] = "glint export 1";
  config["head"] = head_name(checkpoint.config.head);
  config["step"] = checkpoint.state.step;
  config["tokenizer"] = checkpoint.tokenizer->name();
  config["clip"] = sizes_json(model->clip().sizes());
  config["settings"] = Json::parse(config_json(checkpoint.config));
  write_safetensors(out / "model.safetensors", tensors, kForPyTorch);
  write_torch_file(out / "model.pt", tensors);
  write_json(out / "config.json", config);
  std::vector<fs::path> files = {out / "model.safetensors", out / "model.pt", out / "config.json"};
  if (checkpoint.tokenizer->name() != "clip") {
    files.push_back(write_tokenizer_file(*checkpoint.tokenizer, checkpoint.config.text, out));
  }
  return files;
}

std::string model_card(const Checkpoint& checkpoint, const TowerSizes& sizes) {
  const bool is_siglip = sizes.kind == TowerKind::kSiglip;
  const auto* type = is_siglip ? "SiglipModel" : "CLIPModel";
  const auto* processor = is_siglip ? "SiglipProcessor" : "CLIPProcessor";
  const bool has_processor = checkpoint.tokenizer->name() != "sentencepiece";
  return concat(
      "---\nlibrary_name: transformers\npipeline_tag: zero-shot-image-classification\ntags:\n- ",
      is_siglip ? "siglip" : "clip",
      "\n- text-video-retrieval\n---\n\n# Towers of a glint model\n\nImage tower: ", sizes.vision_layers,
      " layers of width ", sizes.vision_width, ", patches of ", sizes.patch_size, " in ", sizes.image_size, " x ",
      sizes.image_size, " pixels. Text tower: ", sizes.text_layers, " layers of width ", sizes.text_width, ", ",
      sizes.context_length, " tokens of ", sizes.vocabulary_size, ". Both into ", sizes.embed_dim,
      " dimensions. Weights are float32.\n\n```python\nfrom transformers import ", type,
      has_processor ? concat(", ", processor) : "", "\nmodel = ", type, ".from_pretrained(\"this folder\")\n",
      has_processor ? concat("processor = ", processor, ".from_pretrained(\"this folder\")\n") : "",
      "```\n\nWritten by `glint export --format huggingface` after ", checkpoint.state.step,
      " training steps. The model that the towers were taken from scores texts against videos with the head `",
      head_name(checkpoint.config.head), "`, which is not in this folder (`--format reference` or `glint` keeps it).",
      has_processor ? "" : " Its tokenizer is a sentencepiece model of its own (tokenizer.model).", "\n");
}

std::vector<fs::path> export_hugging_face(const Checkpoint& checkpoint, const fs::path& out) {
  const auto towers = without_prefix(checkpoint.model, "clip.");
  const auto sizes = tower_sizes(towers, checkpoint.config.model.towers);
  write_safetensors(out / "model.safetensors", export_towers(towers, WeightNames::kHuggingFace, sizes), kForPyTorch);
  write_json(out / "config.json", hugging_face_config(sizes, *checkpoint.tokenizer));
  write_json(out / "preprocessor_config.json", hugging_face_preprocessor(sizes));
  write_file(out / "README.md", model_card(checkpoint, sizes));
  std::vector<fs::path> files = {out / "model.safetensors", out / "config.json", out / "preprocessor_config.json",
                                 out / "README.md"};
  for (auto& file : write_hugging_face_tokenizer(*checkpoint.tokenizer, checkpoint.config.text, sizes, out)) {
    files.push_back(std::move(file));
  }
  return files;
}

std::vector<fs::path> export_open_clip(const Checkpoint& checkpoint, const fs::path& out) {
  const auto towers = without_prefix(checkpoint.model, "clip.");
  const auto sizes = tower_sizes(towers, checkpoint.config.model.towers);
  const auto config = open_clip_config(sizes);
  write_safetensors(out / "open_clip_model.safetensors", export_towers(towers, WeightNames::kOpenAi, sizes),
                    kForPyTorch);
  write_json(out / "open_clip_config.json", config);
  return {out / "open_clip_model.safetensors", out / "open_clip_config.json"};
}

std::vector<fs::path> export_into(const Checkpoint& checkpoint, const std::string& format, const fs::path& out) {
  if (format == "reference") return export_reference(checkpoint, out);
  if (format == "huggingface") return export_hugging_face(checkpoint, out);
  if (format == "open_clip") return export_open_clip(checkpoint, out);
  if (format == "deploy") return export_deployment(checkpoint, out);
  if (format == "torchscript") return export_torchscript(checkpoint, out);
  if (format != "glint") {
    throw Error("--format: '", format, "' is none of reference, huggingface, open_clip, deploy, torchscript, glint");
  }
  save_checkpoint(out, checkpoint.config, *checkpoint.tokenizer, checkpoint.model, checkpoint.assumed);
  return {out / "model.safetensors", out / "config.yaml", out / "state.json"};
}

}  // namespace

// All or nothing: half an export would stand in the way of the next one.
std::vector<fs::path> export_model(const Checkpoint& checkpoint, const std::string& format, const fs::path& given) {
  const auto out = given.has_filename() ? given : given.parent_path();  // "out/"
  require_new_or_empty(out);
  if (out.has_parent_path()) files::make_folders(out.parent_path());
  const TemporaryFolder draft(out);
  auto written = export_into(checkpoint, format, draft.path() / "export");
  if (files::exists(out)) files::remove(out);  // an empty folder
  publish_folder(draft.path() / "export", out);
  for (auto& file : written) file = out / file.filename();
  return written;
}

}  // namespace glint
