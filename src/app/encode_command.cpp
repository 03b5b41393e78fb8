#include <torch/torch.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "app/commands.h"
#include "app/evaluate_checkpoint.h"
#include "app/stage_words.h"
#include "app/video_list.h"
#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/first_few.h"
#include "glint/core/hash.h"
#include "glint/core/json.h"
#include "glint/core/log.h"
#include "glint/core/stop_signal.h"
#include "glint/data/clip_source.h"
#include "glint/device/device.h"
#include "glint/dist/communicator.h"
#include "glint/dist/launcher.h"
#include "glint/eval/feature_writer.h"
#include "glint/weights/checkpoint.h"

namespace glint::app {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct EncodeOptions {
  std::string checkpoint, texts, videos, out;
  std::vector<std::string> overrides;
  int64_t processes = 1;
  bool without_words = false;
  bool json = false;
};

class Encoding {
 public:
  Encoding(const EncodeOptions& options, const RankInfo& rank)
      : options_(options), checkpoint_(load_checkpoint(options.checkpoint)) {
    checkpoint_.config = resolve(checkpoint_, options.overrides);
    refuse_outside(options.overrides, Stage::kFeatures, Stage::kFeatures,
                   "glint encode: ", "has no effect on features; leave it out, and give it to glint eval");
    const auto& config = checkpoint_.config;
    use_threads(config.train.threads);
    if (!options.texts.empty() || !options.videos.empty()) {
      take_files();
    } else {
      take_split();
    }
    if (options_.out.empty()) throw Error("glint encode: --out: which file is to be written?");
    require_feature_file_or_nothing(options_.out);
    device_ = choose_device(config.run.device, rank.local_rank);
    peers_ = make_communicator(rank, config.dist.timeout_s, device_);
    wanted_.has_words = !options.without_words;
    wanted_.settings = feature_settings(config);
    wanted_.metadata = {{"checkpoint", checkpoint_.folder.string()}, {"config_hash", config_hash(config)}};
  }

  const std::string& out() const { return options_.out; }
  bool leads() const { return peers_->rank() == 0; }

  EvaluatedSet run() {
    const auto& config = checkpoint_.config;
    if (config.eval.ema && take_average(checkpoint_) && leads())
      log_info("the weights are their moving average (eval.ema)");
    if (!device_.is_cpu()) use_tf32(config.eval.tf32);
    if (device_.is_cpu() && config.eval.tf32) throw Error("eval.tf32=true has no effect on the CPU; leave it out");
    const auto model = restore_model(checkpoint_, Weights::kShared);
    model->to(device_);
    model->eval();
    const torch::NoGradGuard no_grad;
    const TowerWork towers{*model,
                           *checkpoint_.tokenizer,
                           config.text.max_words,
                           config.eval.batch_size,
                           config.data.workers,
                           config.eval.precision};
    ClipSource source(config.data, config.video);
    return write_features(options_.out, std::move(wanted_), towers, source, *peers_);
  }

 private:
  // Texts and videos of the user's own: no text belongs to a video.
  void take_files() {
    wanted_.set.data = "files";
    if (!options_.texts.empty()) {
      for (const auto& text : texts_to_encode(options_.texts))
        wanted_.texts.push_back({std::to_string(wanted_.texts.size()), text, "", {}});
    }
    if (options_.videos.empty()) return;
    for (const auto& video : videos_to_encode(options_.videos)) {
      if (!files::exists(video)) {  // which a list may name
        wanted_.set.skipped.push_back({video.string(), "the video file is not there"});
        continue;
      }
      Clip clip;
      clip.id = video.string();
      clip.file = video;
      wanted_.clips.push_back(std::move(clip));
    }
    if (wanted_.clips.empty())
      throw Error(options_.videos, ": none of its ", wanted_.set.skipped.size(), " videos is there");
  }

  void take_split() {
    const auto& config = checkpoint_.config;
    const auto split = config.eval.split.empty() ? config.data.test_split : config.eval.split;
    if (split.empty()) {
      throw Error(
          "eval.split: which split is to be encoded? Set it to one of the data set's, or give --texts FILE, --videos "
          "FOLDER");
    }
    const auto dataset = load_evaluation_set(config.data, config.eval, split);
    auto& set = wanted_.set;
    set.data = dataset.name;
    set.split = dataset.split;
    set.protocol = dataset.protocol;
    for (const auto& id : dataset.missing) set.skipped.push_back({id, "the video file is not there"});
    describe_frames(set, config.video);
    wanted_.clips = dataset.clips;
    wanted_.texts = query_items(dataset);
    wanted_.is_split = true;
    wanted_.on_missing = config.eval.on_missing;
    const fs::path run = options_.checkpoint;
    if (options_.out.empty() && files::exists(run / "checkpoints"))
      options_.out = (run / "eval" / split / "features.safetensors").string();
  }

  EncodeOptions options_;
  Checkpoint checkpoint_;
  torch::Device device_ = torch::kCPU;
  std::shared_ptr<Communicator> peers_;
  FeaturesToWrite wanted_;
};

void print(const EvaluatedSet& set, const std::string& out, bool as_json) {
  Json skipped = Json::array();
  std::vector<std::string> lines;
  for (const auto& one : set.skipped) {
    skipped.push_back({{"video", one.clip}, {"cause", one.cause}});
    lines.push_back(concat(one.clip, ": left out: ", one.cause));
  }
  log_first(lines, "the file's metadata and --json name all");
  if (as_json) {
    const Json summary = {{"out", out},
                          {"texts", set.queries.size()},
                          {"videos", set.gallery.size()},
                          {"skipped", skipped.size()},
                          {"skipped_videos", skipped}};
    std::cout << json_text(summary, 2) << "\n";
  } else {
    std::cout << out << ": " << set.queries.size() << " texts, " << set.gallery.size() << " videos, " << skipped.size()
              << " skipped\n";
  }
}

// The words of this call, for each of several processes.
std::vector<std::string> command_of(const EncodeOptions& options) {
  std::vector<std::string> command = {files::target_of("/proc/self/exe").string(), "encode", options.checkpoint};
  command.insert(command.end(), options.overrides.begin(), options.overrides.end());
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) command.push_back(concat("--", name, "=", value));
  };
  add("texts", options.texts);
  add("videos", options.videos);
  add("out", options.out);
  if (options.without_words) command.push_back("--no-words");
  if (options.json) command.push_back("--json");
  return command;
}

void encode(const EncodeOptions& options) {
  const auto rank = rank_info_from_environment();
  if (rank.ranks == 1 && options.processes > 1) {
    const int code = launch_local_ranks({.command = command_of(options), .processes = options.processes});
    if (code != 0) std::exit(code);  // the processes have said why
    return;
  }
  catch_stop_signals();
  Encoding encoding(options, rank);
  const auto set = encoding.run();
  if (encoding.leads()) print(set, encoding.out(), options.json);
}

}  // namespace

void add_encode_command(CLI::App& app) {
  auto options = std::make_shared<EncodeOptions>();
  auto* command =
      app.add_subcommand("encode", "Write features of a split, or of your texts and videos, to a safetensors file");
  command->add_option("run", options->checkpoint, "Run folder or checkpoint folder (glint import makes one)")
      ->required();
  command->add_option("overrides", options->overrides, "Settings that override the checkpoint's: section.key=value");
  command->add_option("--texts", options->texts, "Text file, one query a line");
  command->add_option("--videos", options->videos, "Folder of videos, one video, or a .txt file with one path a line");
  command->add_option(
      "--out", options->out,
      "safetensors file to write; default for a split: eval/<split>/features.safetensors in the run folder");
  command->add_option("--processes", options->processes, "Share the work among this many processes on this machine")
      ->check(CLI::PositiveNumber);
  command->add_flag("--no-words", options->without_words,
                    "Leave out the features of single words, the largest part of the file");
  command->add_flag("--json", options->json, "Print a JSON object with the counts and what was skipped");
  command->footer(
      "Example: glint encode runs/demo eval.split=val\n"
      "         glint encode runs/demo --texts queries.txt --videos clips --out features.safetensors\n"
      "The file: text.sentence [A, D], text.words [A, L, D], text.ids, text.mask [A, L], video.frames and "
      "video.clip_frames "
      "[B, T, D]\n(after and before the temporal encoder), video.mask [B, T]; names and what was skipped in its "
      "metadata.\n"
      "Stopped, the same command goes on where it was.");
  command->callback([options] { encode(*options); });
}

}  // namespace glint::app
