#include <filesystem>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "app/commands.h"
#include "app/evaluate_checkpoint.h"
#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/log.h"
#include "glint/device/device.h"
#include "glint/train/setup.h"

namespace glint::app {
namespace {

namespace fs = std::filesystem;

struct EvalOptions {
  std::string where;
  std::vector<std::string> overrides;
  std::string out;
  bool json = false;
};

// The model that a settings file starts from, as it is: zero-shot.
Checkpoint start_of(const fs::path& file, const std::vector<std::string>& overrides) {
  Checkpoint start;
  start.folder = file;
  start.selected_on = "none";
  std::set<std::string> given;
  start.config = read_config(file, overrides, &given);
  choose_device(start.config.run.device);  // before make_model() asks LibTorch for random numbers
  adopt_towers(start.config, given);
  if (start.config.model.weights.empty()) {
    throw Error(file.string(),
                ": names no model.weights, and a model that starts from nothing has learnt nothing; train "
                "it first, or set model.weights to a checkpoint of glint import");
  }
  start.tokenizer = make_tokenizer(start.config.text, {});
  const auto model = make_model(start.config, start.tokenizer->vocabulary_size());
  for (const auto& item : model->named_parameters()) start.model[item.key()] = item.value().detach();
  return start;
}

void eval(const EvalOptions& options) {
  const bool is_file = fs::is_regular_file(options.where);
  auto checkpoint = is_file ? start_of(options.where, options.overrides) : load_checkpoint(options.where);
  if (!is_file) checkpoint.config = resolve(checkpoint, options.overrides);
  const auto& config = checkpoint.config;
  use_threads(config.train.threads);
  const auto split = config.eval.split.empty() ? config.data.test_split : config.eval.split;
  if (split.empty())
    throw Error("eval.split: which split is to be evaluated? Set data.test_split=test, or eval.split to another");
  const auto device = choose_device(config.run.device);
  const auto report = evaluate_checkpoint(std::move(checkpoint), split, *Communicator::alone(), device);
  if (!options.out.empty()) {
    write_file(options.out, report.json);
  } else if (options.overrides.empty() && fs::exists(fs::path(options.where) / "checkpoints")) {
    write_file(fs::path(options.where) / "results.json", report.json);
    write_file(fs::path(options.where) / "results.txt", report.table);
  }
  std::cout << (options.json ? report.json : report.table);
}

}  // namespace

void add_eval_command(CLI::App& app) {
  auto options = std::make_shared<EvalOptions>();
  auto* command =
      app.add_subcommand("eval", "Evaluate a run's best checkpoint, or a given one: R@1 R@5 R@10 MdR MnR both ways");
  command
      ->add_option("run", options->where,
                   "Run folder, checkpoint folder, or a settings file that names model.weights (evaluated untrained)")
      ->required();
  command->add_option("overrides", options->overrides, "Settings that win over the checkpoint's: section.key=value");
  command->add_option("--out", options->out,
                      "Write the JSON object to this file (a run evaluated as it is: also to its results.json)");
  command->add_flag("--json", options->json, "Print the JSON object instead of a table");
  command->footer("Example: glint eval runs/demo eval.split=val eval.ties=average --json");
  command->callback([options] { eval(*options); });
}

}  // namespace glint::app
