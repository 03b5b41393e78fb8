#include "glint/train/train_plan.h"
#include "glint/core/json.h"

#include <torch/torch.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>

#include "glint/core/error.h"
#include "glint/data/loader.h"
#include "glint/datasets/dataset.h"
#include "glint/model/retrieval_model.h"
#include "glint/optim/optimizer.h"
#include "glint/weights/initialisation.h"

namespace glint {

namespace fs = std::filesystem;

namespace {

constexpr int64_t kFloatBytes = 4;
// Of a token between blocks of width W, floats that autograd keeps of a block: the input of both norms, what the three
// products take (W, W, W, 4 W), queries, keys and values (3 W), the attention's result, and the activation's input (4
// W).
constexpr int64_t kKeptWidths = 16;

// One tower's work on a pair.
struct Stream {
  int64_t sequences;  // frames, or the one caption
  int64_t length;     // tokens of each
  int64_t width;
  int64_t layers;
  int64_t tokens() const { return sequences * length; }
};

std::vector<Stream> streams(const Config& config, const TowerSizes& sizes) {
  const auto grid = sizes.image_size / sizes.patch_size;
  return {{config.video.num_frames, 1 + grid * grid, sizes.vision_width, sizes.vision_layers},
          {1, config.text.max_words, sizes.text_width, sizes.text_layers}};
}

// Bytes of activations that a pair leaves in the towers until its backward pass; in parts one tower holds them at a
// time.
int64_t activations_per_pair(const Config& config, const TowerSizes& sizes, bool in_parts) {
  int64_t sum = 0, most = 0;
  for (const auto& stream : streams(config, sizes)) {
    const auto kept = config.train.recompute ? stream.layers + kKeptWidths : stream.layers * kKeptWidths;
    const auto floats = stream.tokens() * stream.width * kept;
    sum += floats;
    most = std::max(most, floats);
  }
  return (in_parts ? most : sum) * kFloatBytes;
}

void add_parameters(TrainPlan& plan, const RetrievalModel& model, const OptimConfig& optim) {
  NamedParameters trainable;
  for (const auto& item : model.named_parameters()) {
    plan.parameters += item.value().numel();
    if (item.value().requires_grad()) trainable.emplace_back(item.key(), item.value());
  }
  for (const auto& group : parameter_groups(trainable, optim)) {
    int64_t count = 0;
    for (const auto& [name, parameter] : group.parameters) count += parameter.numel();
    if (count > 0) plan.groups.push_back({group.name, group.lr, count});
  }
}

void add_memory(TrainPlan& plan, const Config& config, const TowerSizes& sizes) {
  int64_t trained = 0;
  for (const auto& group : plan.groups) trained += group.parameters;
  plan.weights = plan.parameters * kFloatBytes;
  plan.gradients = trained * kFloatBytes;
  plan.moments = 2 * trained * kFloatBytes;
  plan.average = config.train.ema > 0 ? trained * kFloatBytes : 0;
  plan.checkpoint = plan.weights + plan.moments + plan.average;
  plan.checkpoint_copy = plan.checkpoint;
  plan.kept_checkpoints = (config.train.keep + 2) * plan.checkpoint;  // and the best, and the one being written
  const bool in_parts = plan.pairs_at_once < plan.pairs_per_process;
  plan.activations = plan.pairs_at_once * activations_per_pair(config, sizes, in_parts);
  const auto clip = config.video.num_frames * 3 * config.video.image_size * config.video.image_size;
  plan.batches = (config.data.prefetch + 1) * plan.pairs_per_process * clip;
  plan.clip_cache = config.data.cache_mb << 20;
}

// The median of the newest steps that a run's metrics.jsonl tells of; none where it tells of none.
std::optional<double> measured_step_s(const fs::path& metrics, int64_t batch_size) {
  constexpr std::size_t kNewest = 100;
  std::vector<double> seconds;
  std::ifstream in(metrics);
  for (std::string line; std::getline(in, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("samples_per_s") || !json["samples_per_s"].is_number()) continue;
    const auto rate = json["samples_per_s"].get<double>();
    if (rate > 0) seconds.push_back(static_cast<double>(batch_size) / rate);
  }
  if (seconds.empty()) return std::nullopt;
  seconds.erase(seconds.begin(), seconds.end() - static_cast<std::ptrdiff_t>(std::min(kNewest, seconds.size())));
  const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
  std::nth_element(seconds.begin(), middle, seconds.end());
  return *middle;
}

void add_data(TrainPlan& plan, const Dataset& dataset) {
  plan.clips = std::ssize(dataset.clips);
  plan.captions = std::ssize(dataset.captions);
  plan.missing_videos =
      std::count_if(dataset.clips.begin(), dataset.clips.end(), [](const Clip& clip) { return clip.file.empty(); });
  plan.video_folder = dataset.videos.string();
}

}  // namespace

std::optional<double> TrainPlan::hours() const {
  if (!step_s) return std::nullopt;
  return static_cast<double>(steps) * *step_s / 3600;
}

TrainPlan plan_training(const Config& config, int64_t processes) {
  const auto dataset = read_dataset(config.data, config.data.train_split);
  TrainPlan plan;
  add_data(plan, dataset);
  plan.steps_per_epoch = batches_per_epoch(dataset, config.data, config.train.batch_size, processes);
  plan.steps = plan.steps_per_epoch * config.train.epochs;
  if (config.train.max_steps > 0) plan.steps = std::min(plan.steps, config.train.max_steps);
  plan.processes = processes;
  plan.pairs_per_process = config.train.batch_size / processes;
  const auto part = config.train.micro_batch;
  plan.pairs_at_once = part > 0 ? std::min(part, plan.pairs_per_process) : plan.pairs_per_process;

  std::vector<std::string> texts;
  for (const auto& caption : dataset.captions) texts.push_back(caption.text);
  const auto tokenizer = make_tokenizer(config.text, texts);
  const auto model = make_model(config, tokenizer->vocabulary_size());
  freeze_parameters(*model, config.optim.clip_lr == 0 ? "towers" : config.model.freeze);
  add_parameters(plan, *model, config.optim);
  add_memory(plan, config, model->clip().sizes());
  const auto frames = config.train.batch_size * config.video.num_frames;
  const EncodedItems batch = {frames, frames, config.train.batch_size, config.text.max_words};
  plan.tower_macs_per_step = model->image_macs(batch) + model->text_macs(batch);
  const auto metrics = fs::path(config.run.dir) / "metrics.jsonl";
  plan.step_s = measured_step_s(metrics, config.train.batch_size);
  plan.measured_in = metrics.string();
  return plan;
}

std::string plan_text(const TrainPlan& plan) {
  std::ostringstream out;
  const auto mib = [](int64_t bytes) { return (bytes + (1 << 19)) >> 20; };
  const auto row = [&](const char* what) -> std::ostream& { return out << std::left << std::setw(18) << what; };
  row("data") << plan.clips << " clips, " << plan.captions << " captions\n";
  if (plan.missing_videos > 0) {
    row("missing") << "the videos of " << plan.missing_videos << " of " << plan.clips << " clips are missing ("
                   << plan.video_folder << "); the plan counts them\n";
  }
  row("steps") << plan.steps << ", " << plan.steps_per_epoch << " an epoch\n";
  const bool is_tera = plan.tower_macs_per_step >= 1e12;
  row("step") << plan.processes * plan.pairs_per_process << " pairs on " << plan.processes
              << (plan.processes == 1 ? " process, " : " processes, ") << plan.pairs_at_once
              << " of each at one time in the towers; " << std::setprecision(3)
              << plan.tower_macs_per_step / (is_tera ? 1e12 : 1e9) << (is_tera ? " TMACs" : " GMACs")
              << " in the towers\n";
  row("parameters") << plan.parameters << "\n";
  for (const auto& group : plan.groups) {
    row("") << group.parameters << " trained in " << group.name << " at " << group.lr << "\n";
  }
  row("memory") << "about " << mib(plan.memory()) << " MiB a process: weights " << mib(plan.weights) << ", gradients "
                << mib(plan.gradients) << ", moments " << mib(plan.moments) << ", average " << mib(plan.average)
                << ", copy for the checkpoint at most " << mib(plan.checkpoint_copy) << ", activations "
                << mib(plan.activations) << ", batches ahead " << mib(plan.batches) << ", clips kept "
                << mib(plan.clip_cache) << "; LibTorch itself some 200\n";
  if (const auto hours = plan.hours()) {
    row("time") << std::setprecision(3) << *hours << " hours without validations, at " << *plan.step_s
                << " s a step, measured in " << plan.measured_in << "\n";
  }
  row("disk") << mib(plan.checkpoint) << " MiB a checkpoint, " << mib(plan.kept_checkpoints) << " MiB at most\n";
  return out.str();
}

std::string plan_json(const TrainPlan& plan) {
  nlohmann::ordered_json json = {{"clips", plan.clips},
                                 {"captions", plan.captions},
                                 {"missing_videos", plan.missing_videos},
                                 {"steps_per_epoch", plan.steps_per_epoch},
                                 {"steps", plan.steps},
                                 {"processes", plan.processes},
                                 {"pairs_per_process", plan.pairs_per_process},
                                 {"pairs_at_once", plan.pairs_at_once},
                                 {"parameters", plan.parameters},
                                 {"tower_macs_per_step", plan.tower_macs_per_step}};
  for (const auto& group : plan.groups) {
    json["groups"].push_back({{"name", group.name}, {"lr", group.lr}, {"parameters", group.parameters}});
  }
  json["memory_bytes"] = {{"all", plan.memory()},
                          {"weights", plan.weights},
                          {"gradients", plan.gradients},
                          {"moments", plan.moments},
                          {"average", plan.average},
                          {"checkpoint_copy", plan.checkpoint_copy},
                          {"activations", plan.activations},
                          {"batches", plan.batches},
                          {"clip_cache", plan.clip_cache}};
  if (plan.step_s) {
    json["step_s"] = *plan.step_s;
    json["hours"] = *plan.hours();
  }
  json["checkpoint_bytes"] = plan.checkpoint;
  json["kept_checkpoint_bytes"] = plan.kept_checkpoints;
  return json_text(json, 2) + "\n";
}

}  // namespace glint
