#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "app/agreement.h"
#include "app/commands.h"
#include "app/evaluate_checkpoint.h"
#include "app/result_places.h"
#include "app/usage.h"
#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/log.h"
#include "glint/core/stop_signal.h"
#include "glint/data/loader.h"
#include "glint/datasets/dataset.h"
#include "glint/device/device.h"
#include "glint/dist/communicator.h"
#include "glint/dist/launcher.h"
#include "glint/train/train_plan.h"
#include "glint/train/trainer.h"
#include "glint/weights/checkpoint.h"
#include "glint/weights/initialisation.h"

namespace glint::app {
namespace {

namespace fs = std::filesystem;

struct TrainOptions {
  std::string config;
  std::vector<std::string> overrides;
  bool json = false;
  bool settings = false;
  bool dry_run = false;
  int64_t trace = 0;
};

// A run folder in the place of the settings file: its settings, and the run goes on in it, wherever it lies.
Config read_run_settings(const fs::path& run_dir, const TrainOptions& options, std::set<std::string>& given) {
  if (files::exists(run_dir / "state.json")) {
    throw Error(options.config,
                ": is a checkpoint; glint train goes on with the run folder that it is in, and "
                "model.weights=",
                options.config, " starts another run from it");
  }
  if (!files::exists(run_dir / "config.yaml")) {
    throw Error(options.config, ": is a folder without config.yaml; glint train takes a settings file or a run folder");
  }
  const bool goes_on = !list_checkpoints(run_dir).empty();
  for (const auto& word : options.overrides) {
    if (word.starts_with("run.dir=")) {
      throw Error(word, ": glint train ", options.config, " goes on in that folder; leave run.dir out");
    }
    if (goes_on && word.starts_with("model.weights=")) {
      throw Error(word, ": the run in ", options.config, " goes on from its own checkpoint; leave model.weights out");
    }
  }
  auto config = read_config(run_dir / "config.yaml", options.overrides, &given);
  config.run.dir = run_dir.string();
  return config;
}

// The settings of a training, those of its weights among them.
Config training_settings(const TrainOptions& options) {
  std::set<std::string> given;
  if (!files::is_folder(options.config)) {
    auto config = read_config(options.config, options.overrides, &given);
    adopt_towers(config, given);
    return config;
  }
  auto run_dir = fs::path(options.config).lexically_normal();
  if (!run_dir.has_filename()) run_dir = run_dir.parent_path();  // "runs/demo/"
  auto config = read_run_settings(run_dir, options, given);
  // A run that goes on has no use for the weights it started from, which may be gone.
  if (list_checkpoints(run_dir).empty()) adopt_towers(config, given);
  return config;
}

// What a run with these words would be told, with what each setting means.
void print_settings(TrainOptions options) {
  if (options.config.find('=') != std::string::npos) {  // no file was given, and the first word took its place
    options.overrides.insert(options.overrides.begin(), options.config);
    options.config.clear();
  }
  std::set<std::string> given;
  const bool is_run = files::is_folder(options.config);
  const auto config =
      is_run ? read_run_settings(options.config, options, given) : read_config(options.config, options.overrides);
  std::cout << config_text(config, /*with_comments=*/true);
}

// Does the run folder hold the results of its best checkpoint on `split`? A run that went on may have another one.
bool has_results(const fs::path& run_dir, const std::string& split) {
  if (!files::exists(run_dir / "results.json") || !files::exists(run_dir / "results.txt")) return false;
  const auto results = nlohmann::json::parse(read_file(run_dir / "results.json"), nullptr, /*allow_exceptions=*/false);
  const auto best = read_checkpoint_settings(run_dir).folder.filename().string();
  return results.is_object() && results.value("checkpoint", "") == best && results.value("split", "") == split;
}

// The test split's results, which stand in the run folder afterwards. All processes take part.
void evaluate_best(const Config& config, bool trained, bool as_json, Communicator& peers, torch::Device device,
                   std::shared_ptr<ClipSource> clips) {
  const fs::path run_dir = config.run.dir;
  const bool looks = peers.rank() == 0;
  const bool due =
      peers.all_gather(looks && (trained || !has_results(run_dir, config.data.test_split)) ? "due" : "done").front() ==
      "due";
  if (!due) {
    if (peers.rank() != 0) return;
    log_info("nothing is left to train");
    std::cout << read_file(run_dir / (as_json ? "results.json" : "results.txt"));
    return;
  }
  auto checkpoint = load_checkpoint(run_dir);
  checkpoint.config = config;  // which may differ from the checkpoint's in what a run may change on its way
  if (peers.rank() == 0 && checkpoint.selected_on != "none") {
    log_info("the best checkpoint is ", checkpoint.folder.filename().string(), ", selected on ", checkpoint.selected_on,
             " by ", checkpoint.selected_by, " ", checkpoint.state.best_score);
  }
  const auto report =
      evaluate_checkpoint(std::move(checkpoint), config.data.test_split, peers, device, /*files=*/{}, std::move(clips));
  if (peers.rank() != 0) return;
  const auto write = [&] {
    write_file(run_dir / "results.txt", report.table);
    write_file(run_dir / "results.json", report.json);
    write_evaluation(run_dir / "eval" / config.data.test_split, report);
  };
  write_and_print(write, [&] { std::cout << (as_json ? report.json : report.table); });
}

// As one of the processes that train together, or alone.
void train(const Config& config, const RankInfo& rank, const TrainOptions& options) try {
  const fs::path run_dir = config.run.dir;
  catch_stop_signals();
  use_threads(config.train.threads);
  const auto device = choose_device(config.run.device, rank.local_rank);
  const auto peers = make_communicator(rank, config.dist.timeout_s, device);
  check_agreement(config, *peers);
  std::optional<Dataset> test;
  if (!config.data.test_split.empty()) {  // what is missing there is better known before the training
    test = load_evaluation_set(config.data, config.eval, config.data.test_split);
  }
  int64_t steps = 0;
  std::shared_ptr<ClipSource> clips;  // what is decoded need not be so again
  {
    Trainer trainer(config, peers, device);
    if (test && rank.rank == 0) warn_of_overlap(trainer.dataset(), *test, "test");
    steps = trainer.run(options.trace);
    clips = trainer.clips();
  }
  if (config.data.test_split.empty()) return;
  evaluate_best(config, steps > 0, options.json, *peers, device, std::move(clips));
  if (rank.rank != 0) return;
  log_info("the run is ", run_dir.string(), "; its results are in results.json, its checkpoints in checkpoints/");
} catch (const Error&) {
  if (rank.ranks > 1 && stop_requested() != 0) throw Stopped(stop_requested());  // another has stopped before
  throw;
}

void run(const TrainOptions& options) {
  const auto config = training_settings(options);
  const auto rank = rank_info_from_environment();
  const bool launches = rank.ranks == 1 && config.dist.processes > 1;
  if (options.dry_run) {
    if (const auto fault = initialisation_fault(config); !fault.empty()) log_warning(fault);
    const auto plan = plan_training(config, launches ? config.dist.processes : rank.ranks);
    std::cout << (options.json ? plan_json(plan) : plan_text(plan));
    return;
  }
  if (const auto fault = initialisation_fault(config); !fault.empty() && list_checkpoints(config.run.dir).empty()) {
    throw Error(fault);
  }
  if (!launches) return train(config, rank, options);
  check_share(config.train.batch_size, config.dist.processes);  // before so many are started
  std::vector<std::string> command = {files::target_of("/proc/self/exe").string(), "train", options.config};
  command.insert(command.end(), options.overrides.begin(), options.overrides.end());
  if (options.json) command.push_back("--json");
  if (options.trace > 0) command.push_back(concat("--trace=", options.trace));
  const int code =
      launch_local_ranks({.command = command, .processes = config.dist.processes, .threads = config.train.threads});
  if (code != 0) std::exit(code);  // the processes have said why
}

}  // namespace

void add_train_command(CLI::App& app) {
  auto options = std::make_shared<TrainOptions>();
  auto* command =
      app.add_subcommand("train", "Train a model, or resume a stopped run, and evaluate the best checkpoint");
  command->add_option("config", options->config,
                      "Settings file (YAML), such as those in configs/; or a run folder, to resume its training");
  command->add_option("overrides", options->overrides, "Settings that override the file's: section.key=value");
  command->add_flag("--json", options->json, "Print the results as JSON instead of a table");
  command
      ->add_option("--trace", options->trace, "Record this many steps, operator by operator, in the run's trace.json")
      ->check(CLI::NonNegativeNumber);
  command->add_flag("--dry-run", options->dry_run,
                    "Train nothing: read the data set, build the model, and print parameters, steps, memory and disk");
  command->add_flag(
      "--settings", options->settings,
      "Train nothing: print every setting with its value and meaning; with head.name=xpool those of X-Pool");
  command->formatter(
      std::make_shared<Usage>("glint train [OPTIONS] CONFIG|RUN [section.key=value...]\n"
                              "       glint train --settings [CONFIG] [section.key=value...]"));
  command->footer(
      "Example: glint train configs/demo.yaml head.name=mean_pool run.dir=runs/mean_pool train.seed=2\n"
      "         glint train runs/mean_pool train.epochs=80");
  command->callback([options] {
    if (options->settings) return print_settings(*options);
    if (options->config.empty()) throw Error("glint train: which settings file? See configs/; --help says more");
    run(*options);
  });
}

}  // namespace glint::app
