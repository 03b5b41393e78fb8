#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/evaluate_checkpoint.h"
#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/log.h"

namespace glint::app {
namespace {

namespace fs = std::filesystem;

struct EvalOptions {
  std::string where;
  std::vector<std::string> overrides;
  std::string out;
  bool json = false;
};

void eval(const EvalOptions& options) {
  const auto checkpoint = load_checkpoint(options.where);
  const auto config = read_config(checkpoint.folder / "config.yaml", options.overrides);
  use_threads(config.train.threads);
  const auto split = config.eval.split.empty() ? config.data.test_split : config.eval.split;
  if (split.empty())
    throw Error("eval.split: which split is to be evaluated? Set data.test_split=test, or eval.split to another");
  const auto report = evaluate_checkpoint(checkpoint, config, split);
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
  command->add_option("run", options->where, "Run folder or checkpoint folder")->required();
  command->add_option("settings", options->overrides, "Settings that win over the checkpoint's: section.key=value");
  command->add_option("--out", options->out,
                      "Write the JSON object to this file (a run evaluated as it is: also to its results.json)");
  command->add_flag("--json", options->json, "Print the JSON object instead of a table");
  command->footer("Example: glint eval runs/demo eval.split=val eval.ties=average --json");
  command->callback([options] { eval(*options); });
}

}  // namespace glint::app
