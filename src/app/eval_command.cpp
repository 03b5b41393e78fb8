#include <algorithm>
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
#include "glint/eval/report.h"
#include "glint/train/setup.h"

namespace glint::app {
namespace {

namespace fs = std::filesystem;

struct EvalOptions {
  std::string where;
  std::vector<std::string> overrides;
  std::string out, folder;
  int64_t worst = 0;
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
  const fs::path run = options.where;
  const auto is_split = [](const std::string& word) { return word.starts_with("eval.split="); };
  const bool as_it_is = std::all_of(options.overrides.begin(), options.overrides.end(), is_split);
  if (!options.folder.empty()) write_evaluation(options.folder, report);
  if (options.folder.empty() && as_it_is && fs::exists(run / "checkpoints"))
    write_evaluation(run / "eval" / split, report);
  if (!options.out.empty()) {
    write_file(options.out, report.json);
  } else if (options.overrides.empty() && fs::exists(fs::path(options.where) / "checkpoints")) {
    write_file(fs::path(options.where) / "results.json", report.json);
    write_file(fs::path(options.where) / "results.txt", report.table);
  }
  std::cout << (options.json ? report.json : report.table);
  if (options.worst > 0) std::cout << worst_queries(report.ranks, options.worst);
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
  command->add_option(
      "--folder", options->folder,
      "Write results.json and the ranks of every query into this folder (a run evaluated as it is: also "
      "into its eval/<split>/)");
  auto* json = command->add_flag("--json", options->json, "Print the JSON object instead of a table");
  command
      ->add_option("--worst", options->worst,
                   "Print so many text queries with the worst ranks: the right clip and the three best answers")
      ->check(CLI::PositiveNumber)
      ->excludes(json);
  command->footer(
      "Example: glint eval runs/demo eval.split=val --worst 20\n"
      "         glint eval runs/demo eval.postprocess=dsl --json\n"
      "         pandas: pd.read_json('runs/demo/eval/test/queries.jsonl', lines=True).assign(\n"
      "                   rank=safetensors.numpy.load_file('runs/demo/eval/test/ranks.safetensors')['t2v.rank'] + 1)");
  command->callback([options] { eval(*options); });
}

}  // namespace glint::app
