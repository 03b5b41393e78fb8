#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "app/commands.h"
#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/log.h"
#include "glint/io/safetensors.h"
#include "glint/train/checkpoint.h"

namespace glint::app {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct ExportOptions {
  std::string where;
  std::string out;
};

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

void export_checkpoint(const ExportOptions& options) {
  const auto checkpoint = load_checkpoint(options.where);
  const auto model = restore_model(checkpoint);
  const auto names = model->reference_names();
  TensorMap tensors;
  for (const auto& item : model->named_parameters()) {
    const auto found = names.find(item.key());
    GLINT_CHECK(found != names.end(), "parameter ", item.key(), " has no name in the released code");
    tensors[found->second] = item.value();
  }
  Json config;
  config["format"] = "glint export 1";
  config["head"] = head_name(checkpoint.config.head);
  config["step"] = checkpoint.state.step;
  config["tokenizer"] = checkpoint.tokenizer->name();
  config["clip"] = sizes_json(model->clip().sizes());
  config["settings"] = Json::parse(config_json(checkpoint.config));

  const fs::path out = options.out;
  write_safetensors(out / "model.safetensors", tensors, {{"format", "pt"}});  // "pt" is what PyTorch's readers ask for
  if (const auto bytes = checkpoint.tokenizer->serialized(); !bytes.empty()) write_file(out / "tokenizer.model", bytes);
  write_file(out / "config.json", config.dump(2) + "\n");
  std::cout << (out / "model.safetensors").string() << "\n" << (out / "config.json").string() << "\n";
  log_info("exported ", tensors.size(), " tensors of ", checkpoint.folder.string(),
           " under the names of the released code");
}

}  // namespace

void add_export_command(CLI::App& app) {
  auto options = std::make_shared<ExportOptions>();
  auto* command =
      app.add_subcommand("export", "Write a checkpoint's weights under the released code's names, for PyTorch");
  command->add_option("run", options->where, "Run folder (its best checkpoint) or checkpoint folder")->required();
  command->add_option("out", options->out, "Folder for model.safetensors, config.json and the tokenizer")->required();
  command->footer(
      "Example: glint export runs/demo exported\nPython:  safetensors.torch.load_file('exported/model.safetensors')");
  command->callback([options] { export_checkpoint(*options); });
}

}  // namespace glint::app
