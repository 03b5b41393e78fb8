#include <iostream>
#include <memory>
#include <string>

#include "app/commands.h"
#include "app/result_places.h"
#include "glint/core/log.h"
#include "glint/weights/export.h"

namespace glint::app {
namespace {

struct ExportOptions {
  std::string where;
  std::string out;
  std::string format = "reference";
  bool plain_weights = false;
};

void export_checkpoint(const ExportOptions& options) {
  require_new_folder_place(options.out);
  auto checkpoint = load_checkpoint(options.where);
  const bool averaged = !options.plain_weights && take_average(checkpoint);
  for (const auto& file : export_model(checkpoint, options.format, options.out)) std::cout << file.string() << "\n";
  log_info("exported ", checkpoint.folder.string(), " to ", options.out, " (", options.format, ")",
           averaged ? "; the weights are their moving average" : "");
}

}  // namespace

void add_export_command(CLI::App& app) {
  auto options = std::make_shared<ExportOptions>();
  auto* command =
      app.add_subcommand("export", "Convert a checkpoint for PyTorch, transformers, open_clip or TorchScript");
  command->add_option("run", options->where, "Run folder (its best checkpoint) or checkpoint folder")->required();
  command->add_option("out", options->out, "Folder to write; must be new or empty")->required();
  command
      ->add_option(
          "--format", options->format,
          "reference: the whole model under the released code's names; huggingface, open_clip, torchscript: its "
          "towers; deploy: a self-contained model folder; glint: a checkpoint without the optimizer's state")
      ->check(CLI::IsMember({"reference", "huggingface", "open_clip", "deploy", "torchscript", "glint"}))
      ->capture_default_str();
  command->add_flag("--plain-weights", options->plain_weights,
                    "Take the plain weights, not their moving average (train.ema)");
  command->footer(
      "Example: glint export runs/demo exported\n"
      "Python:  torch.load('exported/model.pt') or safetensors.torch.load_file('exported/model.safetensors')\n"
      "         transformers.CLIPModel.from_pretrained('towers')  # of --format huggingface\n"
      "         torch.jit.load('towers/towers.pt')                # of --format torchscript\n"
      "deploy and torchscript write a usage.md for this very model.");
  command->callback([options] { export_checkpoint(*options); });
}

}  // namespace glint::app
