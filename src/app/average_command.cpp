#include <torch/torch.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/result_places.h"
#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/log.h"
#include "glint/weights/checkpoint.h"

namespace glint::app {
namespace {

namespace fs = std::filesystem;

struct AverageOptions {
  std::string out;
  std::vector<std::string> checkpoints;
};

// What is to be averaged: one run's checkpoints, or those that are named.
std::vector<fs::path> checkpoints_of(const AverageOptions& options) {
  std::vector<fs::path> folders(options.checkpoints.begin(), options.checkpoints.end());
  if (folders.size() == 1) folders = list_checkpoints(folders.front());
  if (folders.size() < 2) {
    throw Error(options.checkpoints.front(),
                ": there are not two checkpoints to average; name several, or a run folder "
                "that keeps several (train.keep)");
  }
  return folders;
}

void check_same_model(const Checkpoint& first, const Checkpoint& other) {
  for (const auto& [name, tensor] : first.model) {
    const auto found = other.model.find(name);
    if (found == other.model.end() || found->second.sizes() != tensor.sizes()) {
      throw Error(other.folder.string(), ": is of another model than ", first.folder.string(), ": '", name,
                  found == other.model.end() ? "' is missing" : "' has another shape");
    }
  }
  if (other.model.size() != first.model.size() || head_name(other.config.head) != head_name(first.config.head)) {
    throw Error(other.folder.string(), ": is of another model than ", first.folder.string());
  }
}

void average(const AverageOptions& options) {
  const torch::NoGradGuard no_grad;
  require_new_folder_place(options.out);
  const auto folders = checkpoints_of(options);
  const auto first = load_checkpoint(folders.front());
  TensorMap sums;
  for (const auto& folder : folders) {
    const auto checkpoint = load_checkpoint(folder);
    check_same_model(first, checkpoint);
    for (const auto& [name, tensor] : checkpoint.model) {
      auto& sum = sums[name];
      sum = sum.defined() ? sum.add_(tensor) : tensor.to(torch::kFloat64);
    }
  }
  for (auto& [name, sum] : sums)
    sum = sum.div_(static_cast<double>(folders.size())).to(first.model.at(name).scalar_type());
  save_checkpoint(options.out, first.config, *first.tokenizer, sums, first.assumed);
  log_info("the mean of ", folders.size(), " checkpoints is in ", options.out);
  std::cout << options.out << "\n";
}

}  // namespace

void add_average_command(CLI::App& app) {
  auto options = std::make_shared<AverageOptions>();
  auto* command = app.add_subcommand("average", "Average the weights of several checkpoints into a new one");
  command->add_option("out", options->out, "Checkpoint folder to write")->required();
  command
      ->add_option("checkpoints", options->checkpoints,
                   "Checkpoint or run folders; of a single run folder all its checkpoints")
      ->required();
  command->footer(
      "Example: glint average averaged runs/demo/checkpoints/step_000420 runs/demo/checkpoints/step_000280");
  command->callback([options] { average(*options); });
}

}  // namespace glint::app
