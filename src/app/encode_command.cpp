#include <torch/torch.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/evaluate_checkpoint.h"
#include "app/video_list.h"
#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/hash.h"
#include "glint/core/log.h"
#include "glint/core/progress.h"
#include "glint/core/stop_signal.h"
#include "glint/data/clip_stream.h"
#include "glint/data/token_tensors.h"
#include "glint/device/device.h"
#include "glint/io/safetensors.h"
#include "glint/train/checkpoint.h"

namespace glint::app {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::size_t kTextsAPart = 1024;
constexpr std::size_t kVideosAPart = 64;
constexpr const char* kFormat = "features 1";

struct EncodeOptions {
  std::string checkpoint, texts, videos, out;
  std::vector<std::string> overrides;
  bool without_words = false;
  bool json = false;
};

std::vector<std::string> read_lines(const fs::path& path) {
  std::vector<std::string> lines;
  std::ifstream in(path);
  if (!in) throw Error(errno_text(path));
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) lines.push_back(line);
  }
  if (lines.empty()) throw Error(path.string(), ": holds no line of text");
  return lines;
}

// A folder, a video, or a text file that names one video a line, from its own folder on.
std::vector<fs::path> find_videos(const fs::path& path) {
  if (path.extension() != ".txt" && path.extension() != ".lst") return list_videos(path);
  std::vector<fs::path> videos;
  for (const auto& line : read_lines(path)) videos.push_back(path.parent_path() / line);
  return videos;
}

// Features in files of some items each, beside the file they become in the end: what a stopped run has done stays done.
class Parts {
 public:
  // `key` tells what they are made of; parts of another make are thrown away.
  Parts(const fs::path& out, const std::string& key) : folder_(out.string() + ".parts") {
    const auto file = folder_ / "key";
    if (fs::exists(file) && read_file(file) == key) return;
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    write_file(file, key);
  }

  fs::path path(const std::string& kind, std::size_t begin) const {
    auto number = std::to_string(begin);
    number.insert(0, number.size() < 9 ? 9 - number.size() : 0, '0');
    return folder_ / concat(kind, "_", number, ".safetensors");
  }
  void remove() const { fs::remove_all(folder_); }

 private:
  fs::path folder_;
};

class Encoder {
 public:
  explicit Encoder(const EncodeOptions& options)
      : options_(options),
        checkpoint_(load_checkpoint(options.checkpoint)),
        config_(resolve(checkpoint_, options.overrides)) {
    checkpoint_.config = config_;
    if (!options.texts.empty()) texts_ = read_lines(options.texts);
    if (!options.videos.empty()) videos_ = find_videos(options.videos);
    if (texts_.empty() && videos_.empty()) throw Error("glint encode wants --texts FILE, --videos FOLDER, or both");
    use_threads(config_.train.threads);
    if (config_.eval.ema && take_average(checkpoint_)) log_info("the weights are their moving average (eval.ema)");
    model_ = restore_model(checkpoint_, Weights::kShared);
    model_->to(choose_device(config_.run.device));
    model_->eval();
  }

  Json run() {
    const torch::NoGradGuard no_grad;
    const Parts parts(options_.out, key());
    for (std::size_t begin = 0; begin < texts_.size(); begin += kTextsAPart) encode_texts(parts, begin);
    for (std::size_t begin = 0; begin < videos_.size(); begin += kVideosAPart) encode_videos(parts, begin);
    const auto summary = join(parts);
    parts.remove();
    return summary;
  }

 private:
  // Changes with everything that the features are made of.
  std::string key() const {
    std::string all =
        concat(kFormat, options_.without_words, read_file(checkpoint_.folder / "state.json"), config_hash(config_));
    for (const auto& text : texts_) all += text + '\n';
    for (const auto& video : videos_) {
      std::error_code ignored;  // a missing file becomes a skipped one
      all += concat(video.string(), ' ', fs::file_size(video, ignored), '\n');
    }
    return std::to_string(xxhash64(all.data(), all.size()));
  }

  void encode_texts(const Parts& parts, std::size_t begin) {
    const auto path = parts.path("text", begin);
    if (fs::exists(path)) return;
    if (stop_requested() != 0) throw Stopped(stop_requested());
    const auto end = std::min(texts_.size(), begin + kTextsAPart);
    const std::vector<std::string> some(texts_.begin() + static_cast<std::ptrdiff_t>(begin),
                                        texts_.begin() + static_cast<std::ptrdiff_t>(end));
    const auto [ids, mask] = token_tensors(*checkpoint_.tokenizer, some, config_.text.max_words);
    std::vector<torch::Tensor> sentences, words;
    for (int64_t a = 0; a < ids.size(0); a += config_.eval.batch_size) {
      const auto b = std::min(ids.size(0), a + config_.eval.batch_size);
      const auto features = model_->text_features(ids.slice(0, a, b), mask.slice(0, a, b));
      sentences.push_back(features.sentence.cpu());
      if (!options_.without_words) words.push_back(features.words.cpu());
    }
    TensorMap tensors = {{"text.sentence", torch::cat(sentences)}, {"text.ids", ids}, {"text.mask", mask}};
    if (!options_.without_words) tensors["text.words"] = torch::cat(words);
    write_safetensors(path, tensors);
    log_info("encoded ", end, " of ", texts_.size(), " texts");
  }

  void encode_videos(const Parts& parts, std::size_t begin) {
    const auto path = parts.path("video", begin);
    if (fs::exists(path)) return;
    const auto end = std::min(videos_.size(), begin + kVideosAPart);
    std::vector<Clip> clips;
    for (auto i = begin; i < end; ++i) {
      Clip clip;
      clip.id = videos_[i].string();
      clip.file = videos_[i];
      clips.push_back(std::move(clip));
    }
    ClipSource source(config_.data, config_.video);
    ClipStream stream(clips, source, config_.data.workers, 2 * config_.data.workers);
    std::vector<torch::Tensor> frames, clip_frames, masks;
    std::vector<int64_t> rows;
    Json skipped = Json::array();
    for (auto i = begin; i < end; ++i) {
      const auto clip = stream.next();
      if (!clip.error.empty()) {
        skipped.push_back({{"video", videos_[i].string()}, {"cause", clip.error}});
        continue;
      }
      const auto features = model_->video_features(clip.frames.unsqueeze(0), clip.mask.unsqueeze(0));
      frames.push_back(features.frames.cpu());
      clip_frames.push_back(features.clip_frames.cpu());
      masks.push_back(features.mask.cpu());
      rows.push_back(static_cast<int64_t>(i));
    }
    TensorMap tensors = {{"video.rows", torch::tensor(rows, torch::kInt64)}};
    if (!rows.empty()) {
      tensors["video.frames"] = torch::cat(frames);
      tensors["video.clip_frames"] = torch::cat(clip_frames);
      tensors["video.mask"] = torch::cat(masks);
    }
    write_safetensors(path, tensors, {{"skipped", skipped.dump()}});
    log_info("encoded ", end, " of ", videos_.size(), " videos");
  }

  Json join(const Parts& parts) const {
    std::map<std::string, std::vector<torch::Tensor>> pieces;
    Json skipped = Json::array(), videos = Json::array();
    const auto add = [&](const fs::path& path) {
      const auto part = read_safetensors(path);
      for (const auto& [name, tensor] : part.tensors) pieces[name].push_back(tensor);
      if (const auto found = part.metadata.find("skipped"); found != part.metadata.end()) {
        for (auto& one : Json::parse(found->second)) skipped.push_back(one);
      }
    };
    for (std::size_t begin = 0; begin < texts_.size(); begin += kTextsAPart) add(parts.path("text", begin));
    for (std::size_t begin = 0; begin < videos_.size(); begin += kVideosAPart) add(parts.path("video", begin));
    TensorMap tensors;
    for (const auto& [name, some] : pieces) tensors[name] = torch::cat(some);
    if (const auto rows = tensors.find("video.rows"); rows != tensors.end()) {
      for (int64_t i = 0; i < rows->second.size(0); ++i) {
        videos.push_back(videos_[static_cast<std::size_t>(rows->second[i].item<int64_t>())].string());
      }
      tensors.erase(rows);
    }
    if (!videos_.empty() && videos.empty())
      throw Error(options_.videos, ": none of ", videos_.size(), " videos can be read");
    write_safetensors(options_.out, tensors,
                      {{"glint", kFormat},
                       {"texts", Json(texts_).dump()},
                       {"videos", videos.dump()},
                       {"skipped", skipped.dump()},
                       {"checkpoint", checkpoint_.folder.string()},
                       {"config_hash", config_hash(config_)}});
    return {{"out", options_.out},
            {"texts", texts_.size()},
            {"videos", videos.size()},
            {"skipped", skipped.size()},
            {"skipped_videos", skipped}};
  }

  EncodeOptions options_;
  Checkpoint checkpoint_;
  Config config_;
  std::vector<std::string> texts_;
  std::vector<fs::path> videos_;
  std::shared_ptr<RetrievalModel> model_;
};

void encode(const EncodeOptions& options) {
  catch_stop_signals();
  const auto summary = Encoder(options).run();
  for (const auto& one : summary.at("skipped_videos")) {
    log_warning(one.at("video").get<std::string>(), ": left out: ", one.at("cause").get<std::string>());
  }
  if (options.json) {
    std::cout << summary.dump(2) << "\n";
  } else {
    std::cout << options.out << ": " << summary.at("texts") << " texts, " << summary.at("videos") << " videos, "
              << summary.at("skipped") << " skipped\n";
  }
}

}  // namespace

void add_encode_command(CLI::App& app) {
  auto options = std::make_shared<EncodeOptions>();
  auto* command = app.add_subcommand("encode", "Write the features of texts and videos, for any other tool");
  command->add_option("run", options->checkpoint, "Run folder or checkpoint folder (glint import makes one)")
      ->required();
  command->add_option("overrides", options->overrides, "Settings that win over the checkpoint's: section.key=value");
  command->add_option("--texts", options->texts, "File with a text a line");
  command->add_option("--videos", options->videos, "Folder of videos, one video, or a .txt file that names one a line");
  command->add_option("--out", options->out, "safetensors file to write")->required();
  command->add_flag("--no-words", options->without_words, "Leave out the features of single words, L times the rest");
  command->add_flag("--json", options->json, "Print a JSON object with the counts and what was skipped");
  command->footer(
      "Example: glint encode runs/demo --texts queries.txt --videos clips --out features.safetensors\n"
      "The file: text.sentence [A, D], text.words [A, L, D], text.ids, text.mask [A, L], video.frames and "
      "video.clip_frames "
      "[B, T, D]\n(after and before the temporal encoder), video.mask [B, T]; names and what was skipped in its "
      "metadata.\n"
      "Stopped, the same command goes on where it was.");
  command->callback([options] { encode(*options); });
}

}  // namespace glint::app
