#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "app/commands.h"
#include "app/result_places.h"
#include "app/usage.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/json.h"
#include "glint/core/log.h"
#include "glint/io/weight_file.h"
#include "glint/model/head_descriptor.h"
#include "glint/weights/checkpoint.h"
#include "glint/weights/import.h"

namespace glint::app {
namespace {

using Json = nlohmann::ordered_json;

struct Settings {
  std::string from, out, heads;
  ImportOptions options;
  bool list = false;
  bool json = false;
};

std::string shape_of(const torch::Tensor& tensor) {
  std::string text = "[";
  for (const auto size : tensor.sizes()) text += (text.size() == 1 ? "" : ", ") + std::to_string(size);
  return text + "]";
}

std::string text_of(const Scalar& scalar) {
  return std::visit([](const auto& value) { return json_text(Json(value)); }, scalar);
}

// What we think it is, or why we cannot tell; a list must not fail for it.
std::string verdict_on(const Settings& settings) {
  try {
    const auto model = import_model(settings.from, settings.options);
    const auto& towers = model.config.model.towers;
    return concat(model.what, ", ", towers.vision_layers, " + ", towers.text_layers, " layers, patches of ",
                  towers.patch_size, " in pictures of ", model.config.video.image_size, " pixels, ", towers.embed_dim,
                  " dimensions", model.assumed.empty() ? "" : "; ", model.assumed);
  } catch (const Error& error) {
    return concat("not importable: ", error.what());
  }
}

void list(const Settings& settings) {
  const auto file = read_weights(settings.from);
  const auto verdict = verdict_on(settings);
  if (settings.json) {
    Json json = {{"file", file.path.string()}, {"kind", file.kind}, {"verdict", verdict}};
    for (const auto& [name, tensor] : file.tensors) {
      json["tensors"].push_back(
          {{"name", name}, {"dtype", c10::toString(tensor.scalar_type())}, {"shape", tensor.sizes().vec()}});
    }
    for (const auto& [name, scalar] : file.scalars) json["scalars"][name] = Json::parse(text_of(scalar));
    for (const auto& [name, what] : file.others) json["others"][name] = what;
    std::cout << json_text(json, 2) << "\n";
    return;
  }
  std::cout << file.path.string() << ": " << file.kind << ", " << file.tensors.size() << " tensors\n"
            << verdict << "\n\n";
  for (const auto& [name, tensor] : file.tensors) {
    std::cout << std::left << std::setw(9) << c10::toString(tensor.scalar_type()) << std::setw(24) << shape_of(tensor)
              << name << "\n";
  }
  for (const auto& [name, scalar] : file.scalars) std::cout << name << " = " << text_of(scalar) << "\n";
  for (const auto& [name, what] : file.others) std::cout << name << ": " << what << "\n";
}

// What --as may say. CenterCLIP's weights are CLIP4Clip's: it adds none.
std::vector<std::string> known_systems() {
  std::vector<std::string> names = {"clip", "siglip", "centerclip"};
  for (auto& name : released_systems()) names.push_back(std::move(name));
  return names;
}

void import(Settings settings) {
  if (!settings.heads.empty()) settings.options.heads = parse_tower_heads(settings.heads);
  if (settings.list) return list(settings);
  if (settings.out.empty()) throw Error("glint import wants OUT, the folder to write, or --list");
  require_new_folder_place(settings.out);
  const auto model = import_model(settings.from, settings.options);
  if (!model.assumed.empty()) log_warning(settings.from, ": ", model.assumed);
  for (const auto& remark : model.remarks) log_warning(remark);
  save_checkpoint(settings.out, model.config, *model.tokenizer, model.weights, model.assumed);
  log_info(settings.from, " is ", model.what, ": ", model.weights.size(), " tensors are in ", settings.out,
           "; next: glint eval ", settings.out,
           " data.name=... data.root=..., or glint train CONFIG model.weights=", settings.out);
  std::cout << settings.out << "\n";
}

}  // namespace

void add_import_command(CLI::App& app) {
  auto settings = std::make_shared<Settings>();
  auto* command =
      app.add_subcommand("import", "Convert weights of CLIP, SigLIP or a released system into a checkpoint");
  command
      ->add_option(
          "from", settings->from,
          "Weights: OpenAI's archive, a Hugging Face or open_clip folder or file, a state dict of torch.save, or a "
          "released system's checkpoint")
      ->required();
  command->add_option("out", settings->out, "Checkpoint folder to write");
  command
      ->add_option("--as", settings->options.as,
                   "Refuse anything but weights of this kind; default: found out from the contents")
      ->check(CLI::IsMember(known_systems()));
  command
      ->add_option("--activation", settings->options.activation,
                   "Activation of the MLPs, where the weights come without a description; default: quick_gelu")
      ->check(CLI::IsMember({"quick_gelu", "gelu", "gelu_tanh"}));
  command->add_option(
      "--heads", settings->heads,
      "Attention heads of both towers, or IMAGE,TEXT (12,8), where the weights come without a description; "
      "default: width / 64");
  command
      ->add_option(
          "--image-size", settings->options.image_size,
          "Side of the input picture, pixels; at another size than the weights' the positions are interpolated")
      ->check(CLI::Range(1, 4096));
  command->add_flag("--list", settings->list,
                    "Write nothing: print what the weights are, with names, types and shapes");
  command->add_flag("--json", settings->json, "With --list: a JSON object");
  command->formatter(
      std::make_shared<Usage>("glint import [OPTIONS] WEIGHTS OUT\n"
                              "       glint import --list WEIGHTS"));
  command->footer(
      "Example: glint import clip-vit-base-patch32 clip_b32\n         glint eval clip_b32 data.name=msrvtt "
      "data.root=data/msrvtt");
  command->callback([settings] { import(*settings); });
}

}  // namespace glint::app
