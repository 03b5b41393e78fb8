#include "train/run_settings.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/train/checkpoint.h"

namespace glint {

namespace fs = std::filesystem;

namespace {

// `config` with everything at its default that a run may change on its way.
Config fixed_part(Config config) {
  const Config defaults;
  config.run = defaults.run;
  config.dist.processes = defaults.dist.processes;
  config.dist.timeout_s = defaults.dist.timeout_s;
  config.eval = defaults.eval;
  config.data.root = defaults.data.root;
  config.data.annotations = defaults.data.annotations;
  config.data.videos = defaults.data.videos;
  config.data.test_split = defaults.data.test_split;
  config.data.workers = defaults.data.workers;
  config.data.prefetch = defaults.data.prefetch;
  config.data.cache_mb = defaults.data.cache_mb;
  config.data.cache = defaults.data.cache;
  config.video.timeout_s = defaults.video.timeout_s;
  config.text.vocabulary = defaults.text.vocabulary;
  config.model.weights = defaults.model.weights;
  config.train.max_steps = defaults.train.max_steps;
  config.train.micro_batch = defaults.train.micro_batch;
  config.train.recompute = defaults.train.recompute;
  config.train.threads = defaults.train.threads;
  config.train.validate_every = defaults.train.validate_every;
  config.train.save_every = defaults.train.save_every;
  config.train.keep = defaults.train.keep;
  config.train.patience = defaults.train.patience;
  config.train.bad_steps = defaults.train.bad_steps;
  return config;
}

// "/section/key" -> value.
nlohmann::json settings(const Config& config) {
  return nlohmann::json::parse(config_json(config)).flatten();
}

// "/optim/lr" as the user writes it: "optim.lr".
std::string dotted(std::string path) {
  std::replace(path.begin(), path.end(), '/', '.');
  return path.substr(1);
}

}  // namespace

void claim_run_folder(const fs::path& run_dir, const Config& config) {
  const auto path = run_dir / "config.yaml";
  if (fs::exists(path) && !list_checkpoints(run_dir).empty()) {
    const auto theirs = settings(fixed_part(read_config(path, {})));
    const auto ours = settings(fixed_part(config));
    std::string differences;
    for (const auto& [key, value] : ours.items()) {
      const auto was = theirs.contains(key) ? theirs.at(key).dump() : std::string("not set");
      if (was == value.dump()) continue;
      differences +=
          concat(differences.empty() ? "" : ", ", dotted(key), " is ", was, " there and ", value.dump(), " now");
    }
    if (!differences.empty()) {
      throw Error(run_dir.string(), ": holds a run with other settings (", differences,
                  "); choose another run.dir, or delete the folder to start anew");
    }
  }
  write_file(path, config_text(config));
}

}  // namespace glint
