#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "app/commands.h"
#include "app/evaluate_checkpoint.h"
#include "app/evaluate_files.h"
#include "app/result_places.h"
#include "app/stage_words.h"
#include "app/usage.h"
#include "glint/config/config_file.h"
#include "glint/config/eval_bank.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/log.h"
#include "glint/core/stop_signal.h"
#include "glint/device/device.h"
#include "glint/dist/communicator.h"
#include "glint/dist/launcher.h"
#include "glint/eval/report.h"
#include "glint/weights/initialisation.h"

namespace glint::app {
namespace {

namespace fs = std::filesystem;

struct EvalOptions {
  std::string where;
  std::vector<std::string> overrides;
  std::string out, folder, scores, from_scores, truth;
  std::vector<std::string> features;
  int64_t worst = 0;
  int64_t processes = 1;
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

void print(const Report& report, const EvalOptions& options) {
  std::cout << (options.json ? report.json : report.table);
  if (options.worst > 0) std::cout << worst_queries(report.ranks, options.worst);
}

constexpr const char* kWithoutModel = "has no effect without a model; leave it out";

// Without a model: settings are those of eval.* alone.
EvalConfig settings_of_files(EvalOptions& options) {
  if (options.where.find('=') != std::string::npos) {  // no run was given, and the first word took its place
    options.overrides.insert(options.overrides.begin(), options.where);
    options.where.clear();
  }
  if (!options.where.empty()) {
    throw Error("glint eval: '", options.where,
                "' is a run, which --from-scores and two files of --features do without; leave one of them out");
  }
  const auto config = read_config("", options.overrides);
  const bool has_scores = !options.from_scores.empty();
  refuse_outside(options.overrides, has_scores ? Stage::kRanks : Stage::kScores, Stage::kRanks,
                 "glint eval: ", has_scores ? "has no effect on scores; leave it out" : kWithoutModel);
  for (const auto& word : options.overrides) {  // of a head, or where a model runs
    const bool is_of_model = word.starts_with("head.") || word.starts_with("run.");
    if (is_of_model) throw Error("glint eval: '", word, "' ", kWithoutModel);
  }
  if (!parse_bank(config.eval.bank).is_test_queries)
    throw Error("eval.bank=", config.eval.bank, ": a bank is made by a model; name a run, or take test_queries");
  use_threads(config.train.threads);
  return config.eval;
}

constexpr const char* kElsewhere = "; --out FILE and --folder FOLDER put the results elsewhere";

// What was asked for by name.
void require_named_places(const EvalOptions& options) {
  if (!options.folder.empty()) require_place(fs::path(options.folder) / "results.json", "");
  if (!options.out.empty()) require_place(options.out, "");
  if (!options.scores.empty()) require_place(options.scores, "");
}

void evaluate_without_model(EvalOptions options) {
  const auto config = settings_of_files(options);
  if (options.processes > 1) throw Error("glint eval: --processes is for a run; leave it out");
  require_named_places(options);
  Report report;
  if (!options.from_scores.empty()) {
    if (!options.features.empty() || !options.scores.empty())
      throw Error("glint eval: --from-scores starts from scores; leave out --features and --scores");
    report = evaluate_scores(options.from_scores, options.truth, config);
  } else {
    if (options.truth.empty()) {
      throw Error(
          "glint eval: which video belongs to which text? Set --truth to a file of lines `text TAB video`, to "
          "judgements in TREC's form, or to an evaluation's folder");
    }
    report = evaluate_vectors(options.features.at(0), options.features.at(1), options.truth, config, options.scores);
  }
  const auto write = [&] {
    if (!options.folder.empty()) write_evaluation(options.folder, report);
    if (!options.out.empty()) write_file(options.out, report.json);
  };
  write_and_print(write, [&] { print(report, options); });
}

// What an evaluation leaves in its run's folder.
struct OwnResults {
  bool evaluation = false;  // eval/SPLIT/
  bool results = false;     // results.json and results.txt
};

// Rank 0's, before the work.
OwnResults look_at_places(const EvalOptions& options, const std::string& split, const std::string& test_split) {
  require_named_places(options);
  const fs::path run = options.where;
  if (!files::exists(run / "checkpoints")) return {};
  const auto is_split = [](const std::string& word) { return word.starts_with("eval.split="); };
  const bool as_it_is = std::all_of(options.overrides.begin(), options.overrides.end(), is_split);
  OwnResults own{.evaluation = options.folder.empty() && as_it_is,
                 .results = options.out.empty() && options.overrides.empty() && split == test_split};
  const auto evaluation = run / "eval" / split / "results.json";
  if (own.evaluation && options.out.empty()) require_place(evaluation, kElsewhere);
  if (own.results) require_place(run / "results.json", kElsewhere);
  own.evaluation =
      own.evaluation && (options.out.empty() || has_place(evaluation, "; the ranks of the queries are not kept"));
  return own;
}

// Where features are there already, what made them is compared with the file; the rest is too late.
void refuse_unheard_by_features(const std::vector<std::string>& words, const Config& config) {
  if (!parse_bank(config.eval.bank).is_test_queries) return;  // the bank is encoded anew
  for (const auto& word : words) {
    const auto key = key_of(word);
    const auto rule = find_rule(key);
    if (!rule || rule->last_stage != Stage::kFeatures || is_compared_with_features(key, *rule)) continue;
    throw Error("glint eval: '", word, "' has no effect on features that are there already; leave it out");
  }
}

void evaluate_run(const EvalOptions& options, const RankInfo& rank) {
  const bool is_file = files::is_file(options.where);
  auto checkpoint = is_file ? start_of(options.where, options.overrides) : load_checkpoint(options.where);
  if (!is_file) checkpoint.config = resolve(checkpoint, options.overrides);
  const auto config = checkpoint.config;
  use_threads(config.train.threads);
  EvaluationFiles files;
  files.scores = options.scores;
  if (!options.features.empty()) {
    files.features = options.features.front();
    refuse_unheard_by_features(options.overrides, config);
  }
  auto split = config.eval.split.empty() ? config.data.test_split : config.eval.split;
  if (split.empty() && files.features.empty())
    throw Error("eval.split: which split is to be evaluated? Set data.test_split=test, or eval.split to another");
  const auto device = choose_device(config.run.device, rank.local_rank);
  OwnResults own;
  if (rank.rank == 0) own = look_at_places(options, split, config.data.test_split);
  const auto peers = make_communicator(rank, config.dist.timeout_s, device);
  const auto report = evaluate_checkpoint(std::move(checkpoint), split, *peers, device, files);
  if (rank.rank != 0) return;
  const fs::path run = options.where;
  const auto write = [&] {
    if (!options.out.empty()) write_file(options.out, report.json);
    if (!options.folder.empty()) write_evaluation(options.folder, report);
    if (own.results && report.split == config.data.test_split) {
      write_file(run / "results.json", report.json);
      write_file(run / "results.txt", report.table);
    }
    if (own.evaluation) write_evaluation(run / "eval" / report.split, report);
  };
  write_and_print(write, [&] { print(report, options); });
}

// As one of several processes: where a signal asks all to stop, some are gone before the others have seen theirs.
void evaluate_as_rank(const EvalOptions& options, const RankInfo& rank) try {
  evaluate_run(options, rank);
} catch (const Error&) {
  if (rank.ranks > 1 && stop_requested() != 0) throw Stopped(stop_requested());
  throw;
}

// The words of this call, for each of several processes.
std::vector<std::string> command_of(const EvalOptions& options) {
  std::vector<std::string> command = {files::target_of("/proc/self/exe").string(), "eval", options.where};
  command.insert(command.end(), options.overrides.begin(), options.overrides.end());
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) command.push_back(concat("--", name, "=", value));
  };
  add("out", options.out);
  add("folder", options.folder);
  add("scores", options.scores);
  if (!options.features.empty()) add("features", options.features.front());
  if (options.worst > 0) add("worst", std::to_string(options.worst));
  if (options.json) command.push_back("--json");
  return command;
}

// --features takes all words behind it: among them may be settings, and the run.
void sort_words(EvalOptions& options) {
  std::vector<std::string> features;
  for (const auto& word : options.features) {
    const bool is_setting = word.find('=') != std::string::npos && !files::exists(word);
    const bool is_run = options.where.empty() && !features.empty() && files::is_folder(word);
    if (is_setting) {
      options.overrides.push_back(word);
    } else if (is_run) {
      options.where = word;
    } else {
      features.push_back(word);
    }
  }
  if (features.size() > 2)
    throw Error("glint eval: --features: '", features[2], "' is one file too many; name one of a run, or TEXTS VIDEOS");
  options.features = std::move(features);
}

void eval(EvalOptions options) {
  sort_words(options);
  const bool has_vectors = options.features.size() == 2;
  if (has_vectors || !options.from_scores.empty()) return evaluate_without_model(options);
  if (options.where.empty()) {
    throw Error(
        "glint eval: which run? Name a run folder, a checkpoint or a settings file, or give --features TEXTS VIDEOS "
        "of another model");
  }
  if (!options.truth.empty()) {
    throw Error(
        "glint eval: --truth is for files of other models; a run's right answers are its data set's, or those of ",
        "eval.qrels");
  }
  const auto rank = rank_info_from_environment();
  if (rank.ranks > 1 || options.processes == 1) {
    catch_stop_signals();
    return evaluate_as_rank(options, rank);
  }
  const int code = launch_local_ranks({.command = command_of(options), .processes = options.processes});
  if (code != 0) std::exit(code);  // the processes have said why
}

}  // namespace

void add_eval_command(CLI::App& app) {
  auto options = std::make_shared<EvalOptions>();
  auto* command = app.add_subcommand(
      "eval", "Evaluate a run, a checkpoint, or another model's features: R@1 R@5 R@10 MdR MnR both ways");
  command->add_option("run", options->where,
                      "Run folder (its best checkpoint), checkpoint folder, or a settings file with model.weights "
                      "(evaluated untrained)");
  command->add_option("overrides", options->overrides, "Settings that override the checkpoint's: section.key=value");
  command->add_option("--out", options->out,
                      "Write the results to this JSON file; without changed settings also to the run's results.json");
  command->add_option(
      "--folder", options->folder,
      "Write results.json and the rank of every query into this folder; without changed settings also into the "
      "run's eval/<split>/");
  command
      ->add_option(
          "--features", options->features,
          "Start from features: one file of glint encode for this run, or without a run two files of any model, TEXTS "
          "VIDEOS (.npy, or safetensors with ids)")
      ->expected(1, -1);
  command->add_option("--scores", options->scores, "Write the matrix of scores to this safetensors file");
  command->add_option("--from-scores", options->from_scores,
                      "Start from a matrix of scores: a file of --scores, or with --truth any model's");
  command->add_option(
      "--truth", options->truth,
      "Right answers for another model's files: lines `text TAB video`, judgements in TREC's form, or the "
      "folder of an evaluation (runs/demo/eval/test)");
  command->add_option("--processes", options->processes, "Share the work among this many processes on this machine")
      ->check(CLI::Range(1, 1024));
  auto* json = command->add_flag("--json", options->json, "Print the JSON object instead of a table");
  command
      ->add_option("--worst", options->worst,
                   "Print this many of the worst text queries, each with its right clip and the three best answers")
      ->check(CLI::PositiveNumber)
      ->excludes(json);
  command->formatter(std::make_shared<Usage>(
      "glint eval [OPTIONS] RUN|CHECKPOINT|CONFIG [section.key=value...]\n"
      "       glint eval [OPTIONS] --features TEXTS VIDEOS --truth TRUTH [section.key=value...]"));
  command->footer(
      "Example: glint eval runs/demo eval.split=val --worst 20\n"
      "         glint eval runs/demo eval.postprocess=dsl --json\n"
      "         glint encode runs/demo && glint eval runs/demo --features runs/demo/eval/test/features.safetensors\n"
      "         glint eval --features texts.npy videos.npy --truth pairs.tsv\n"
      "         pandas: pd.read_json('runs/demo/eval/test/queries.jsonl', lines=True).assign(\n"
      "                   rank=safetensors.numpy.load_file('runs/demo/eval/test/ranks.safetensors')['t2v.rank'] + 1)");
  command->callback([options] { eval(*options); });
}

}  // namespace glint::app
