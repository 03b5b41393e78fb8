#include "app/evaluate_checkpoint.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "glint/config/config_file.h"
#include "glint/config/eval_bank.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/first_few.h"
#include "glint/core/json.h"
#include "glint/core/log.h"
#include "glint/core/thread_pool.h"
#include "glint/data/clip_source.h"
#include "glint/datasets/dataset.h"
#include "glint/device/device.h"
#include "glint/eval/bank_sample.h"
#include "glint/eval/feature_source.h"

namespace glint::app {
namespace {

namespace fs = std::filesystem;

void warn_of_skipped(const std::vector<SkippedClip>& skipped) {
  std::vector<std::string> lines;
  for (const auto& one : skipped) lines.push_back(concat(one.clip, ": left out: ", one.cause));
  log_first(lines, "results.json names all");
}

// The features of a file, which must be those that the settings ask for.
FeatureFile fitting_features(const fs::path& path, const Checkpoint& checkpoint, RetrievalModel& model,
                             const std::string& asked_split) {
  FeatureFile file(path);
  const auto& config = checkpoint.config;
  if (!config.eval.split.empty() && file.set().split != asked_split)
    throw Error(path.string(), ": holds the split '", file.set().split, "', and eval.split is '", asked_split, "'");
  if (file.model() != fingerprint(model)) {
    throw Error(path.string(), ": was written with other weights than those of ", checkpoint.folder.string(),
                "; write it again with glint encode");
  }
  const auto theirs = nlohmann::json::parse(file.settings(), nullptr, /*allow_exceptions=*/false);
  const auto ours = nlohmann::json::parse(feature_settings(config));
  for (const auto& [key, value] : ours.items()) {
    if (!theirs.is_object() || !theirs.contains(key) || !theirs.at(key).is_string()) {
      throw Error(path.string(), ": does not say with which ", key,
                  " it was written, as another glint wrote it; write it again with glint encode");
    }
    const auto was = theirs.at(key).get<std::string>(), is = value.get<std::string>();
    if (was == is) continue;
    throw Error(path.string(), ": was written with ", key, "=", was, ", and ", is,
                " is asked for; leave it out, or write the file again");
  }
  if (!file.has_words() && head_name(config.head) != "mean_pool") {
    throw Error(path.string(), ": was written without the features of single words (--no-words), which the head ",
                head_name(config.head), " reads");
  }
  return file;
}

}  // namespace

Report evaluate_checkpoint(Checkpoint checkpoint, const std::string& split, Communicator& peers, torch::Device device,
                           const EvaluationFiles& files, std::shared_ptr<ClipSource> clips) {
  const auto& config = checkpoint.config;
  const bool averaged = config.eval.ema && take_average(checkpoint);
  const auto model = restore_model(checkpoint, Weights::kShared);
  model->to(device);
  model->eval();
  if (!device.is_cpu()) use_tf32(config.eval.tf32);
  if (device.is_cpu() && config.eval.tf32) throw Error("eval.tf32=true has no effect on the CPU; leave it out");
  const torch::NoGradGuard no_grad;
  const TowerWork towers{*model,
                         *checkpoint.tokenizer,
                         config.text.max_words,
                         config.eval.batch_size,
                         config.data.workers,
                         config.eval.precision};
  Provenance provenance;
  provenance.selected_on = checkpoint.selected_on;
  if (checkpoint.selected_on != "none") provenance.selected_by = checkpoint.selected_by;
  provenance.checkpoint = checkpoint.folder.filename().string();
  provenance.weights = averaged ? "moving_average" : "model";
  provenance.config_hash = config_hash(config);
  provenance.head = head_name(config.head);
  provenance.model = fingerprint(*model);
  provenance.eval = config.eval;

  Dataset dataset;
  std::unique_ptr<FeatureSource> features;
  const auto note = averaged ? "; its weights are the moving average (eval.ema)" : "";
  if (files.features.empty()) {
    dataset = load_evaluation_set(config.data, config.eval, split);
    if (peers.rank() == 0)
      log_info("evaluating ", checkpoint.folder.string(), " on ", dataset.name, " ", split, ": ",
               dataset.captions.size(), " captions, ", dataset.clips.size(), " clips", note);
    if (!clips) clips = std::make_shared<ClipSource>(config.data, config.video);
    features = encode_split(towers, dataset, *clips, config.video, config.eval.on_missing, peers);
  } else {
    auto file = fitting_features(files.features, checkpoint, *model, split);
    auto set = file.set();
    if (peers.rank() == 0)
      log_info("evaluating ", checkpoint.folder.string(), " on ", files.features.string(), ": ", set.queries.size(),
               " texts, ", set.gallery.size(), " videos", note);
    provenance.features = files.features.string();
    features = features_of_file(std::move(file), std::move(set), model->head(), device, config.eval.batch_size);
  }
  EvaluationWork work;
  work.config = config.eval;
  work.keeps_ranks = true;
  work.scores = files.scores;
  work.score_notes = notes_of(provenance);
  std::unique_ptr<FeatureSource> bank;
  if (const auto asked = parse_bank(config.eval.bank); !asked.is_test_queries) {
    const auto sample = sample_bank(load_dataset(config.data, config.data.train_split), asked, config.eval.bank_seed);
    if (!clips) clips = std::make_shared<ClipSource>(config.data, config.video);
    bank = encode_bank(towers, sample, *clips, peers);
    work.bank = BankSource{bank.get(), sample.name};
  }
  const auto result = evaluate(model->head(), *features, work, peers);
  if (peers.rank() == 0) warn_of_skipped(result.skipped);
  // Read off what was encoded, not off what was asked for.
  const auto& set = features->set();
  provenance.data = set.data;
  provenance.split = set.split;
  provenance.protocol = set.protocol;
  return report_of(result, std::move(provenance));
}

Report report_of(const Evaluation& result, Provenance provenance) {
  auto signature = result.signature;
  signature.glint = GLINT_VERSION;
  provenance.signature = to_text(signature);
  return {results_json(result, provenance), results_table(result, provenance), result.ranks, provenance.split};
}

namespace {

// What changes a feature's values. Every setting that the towers' stage reads counts, but for those named here.
bool shapes_features(const std::string& key, const SettingRule& rule) {
  const bool is_of_towers = rule.role == SettingRole::kFree && rule.last_stage == Stage::kFeatures &&
                            rule.changes_results && !rule.is_of_machine;
  const bool chooses_items = key.starts_with("data.") || key == "eval.split" || key == "eval.on_missing";
  const bool is_known_otherwise = key == "eval.ema";  // by the hash of the weights
  return is_of_towers && !chooses_items && !is_known_otherwise && key != "video.timeout_s";
}

}  // namespace

std::string feature_settings(const Config& config) {
  nlohmann::ordered_json settings;
  for (const auto& setting : list_settings(config)) {
    if (shapes_features(setting.key, setting.rule)) settings[setting.key] = setting.value;
  }
  return json_text(settings);
}

bool is_compared_with_features(const std::string& key, const SettingRule& rule) {
  return shapes_features(key, rule) || key == "eval.split" || key == "eval.ema";
}

void write_evaluation(const fs::path& folder, const Report& report) {
  files::make_folders(folder);
  write_ranks(folder, report.ranks);
  write_file(folder / "results.json", report.json);
}

void use_threads(int64_t threads) {
  if (threads > 0) torch::set_num_threads(static_cast<int>(threads));
  const int all = torch::get_num_threads();
  if (all < 2) return;
  // OpenMP ends the process where it cannot start its threads, so they are tried here, and then started for good.
  try {
    const ThreadPool probe(all - 1);
  } catch (const NotNow& problem) {
    throw NotNow("train.threads: LibTorch is to use ", all, " threads, and ", problem.what());
  }
  at::parallel_for(0, all, /*grain_size=*/1, [](int64_t, int64_t) {});
}

}  // namespace glint::app
