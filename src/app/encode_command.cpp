#include <torch/torch.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands.h"
#include "app/evaluate_checkpoint.h"
#include "app/video_list.h"
#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/first_few.h"
#include "glint/core/hash.h"
#include "glint/core/json.h"
#include "glint/core/log.h"
#include "glint/core/progress.h"
#include "glint/core/stop_signal.h"
#include "glint/data/clip_stream.h"
#include "glint/data/token_tensors.h"
#include "glint/device/device.h"
#include "glint/eval/feature_source.h"
#include "glint/io/file_tensor.h"
#include "glint/io/safetensors.h"
#include "glint/train/checkpoint.h"

namespace glint::app {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::size_t kTextsAPart = 1024;
constexpr std::size_t kVideosAPart = 64;
constexpr const char* kFormat = "features 2";

struct EncodeOptions {
  std::string checkpoint, texts, videos, out;
  std::vector<std::string> overrides;
  bool without_words = false;
  bool json = false;
};

// Features in files of some items each, beside the file they become in the end: what a stopped run has done stays done.
class Parts {
 public:
  // `key` tells what they are made of; parts of another make are thrown away.
  Parts(const fs::path& out, const std::string& key) : folder_(out.string() + ".parts") {
    const auto file = folder_ / "key";
    if (files::exists(file) && read_file(file) == key) return;
    files::remove_all(folder_);
    files::make_folders(folder_);
    write_file(file, key);
  }

  fs::path path(const std::string& kind, std::size_t begin) const {
    auto number = std::to_string(begin);
    number.insert(0, number.size() < 9 ? 9 - number.size() : 0, '0');
    return folder_ / concat(kind, "_", number, ".safetensors");
  }
  void remove() const { files::remove_all(folder_); }

 private:
  fs::path folder_;
};

// What has an effect on scores and ranks alone would be claimed by the file all the same.
void refuse_without_effect(const std::vector<std::string>& overrides) {
  constexpr std::string_view kOfFeatures[] = {
      "eval.split=",      "eval.ids=",       "eval.captions=", "eval.on_missing=",
      "eval.batch_size=", "eval.precision=", "eval.tf32=",     "eval.ema="};
  for (const auto& word : overrides) {
    const auto is_prefix = [&](std::string_view key) { return word.starts_with(key); };
    const bool counts = std::any_of(std::begin(kOfFeatures), std::end(kOfFeatures), is_prefix);
    if (word.starts_with("head.") || (word.starts_with("eval.") && !counts))
      throw Error("glint encode: '", word, "' has no effect on features; leave it out, and give it to glint eval");
  }
}

class Encoder {
 public:
  explicit Encoder(const EncodeOptions& options)
      : options_(options),
        checkpoint_(load_checkpoint(options.checkpoint)),
        config_(resolve(checkpoint_, options.overrides)) {
    checkpoint_.config = config_;
    refuse_without_effect(options.overrides);
    use_threads(config_.train.threads);
    if (!options.texts.empty() || !options.videos.empty()) {
      take_files();
    } else {
      take_split();
    }
    if (options_.out.empty()) throw Error("glint encode: --out: which file is to be written?");
    if (config_.eval.ema && take_average(checkpoint_)) log_info("the weights are their moving average (eval.ema)");
    const auto device = choose_device(config_.run.device);
    if (!device.is_cpu()) use_tf32(config_.eval.tf32);
    model_ = restore_model(checkpoint_, Weights::kShared);
    model_->to(device);
    model_->eval();
    towers_ =
        std::make_unique<TowerWork>(TowerWork{*model_, *checkpoint_.tokenizer, config_.text.max_words,
                                              config_.eval.batch_size, config_.data.workers, config_.eval.precision});
    source_ = std::make_unique<ClipSource>(config_.data, config_.video);
    fingerprint_ = fingerprint(*model_);
  }

  Json run() {
    const torch::NoGradGuard no_grad;
    const Parts parts(options_.out, key());
    for (std::size_t begin = 0; begin < texts_.size(); begin += kTextsAPart) encode_texts(parts, begin);
    for (std::size_t begin = 0; begin < clips_.size(); begin += kVideosAPart) encode_videos(parts, begin);
    const auto summary = join(parts);
    parts.remove();
    return summary;
  }

 private:
  // Texts and videos of the user's own: no text belongs to a video.
  void take_files() {
    set_.data = "files";
    if (!options_.texts.empty()) {
      for (const auto& text : texts_to_encode(options_.texts))
        texts_.push_back({std::to_string(texts_.size()), text, "", {}});
    }
    if (options_.videos.empty()) return;
    for (const auto& video : videos_to_encode(options_.videos)) {
      Clip clip;
      clip.id = video.string();
      clip.file = video;
      clips_.push_back(std::move(clip));
    }
  }

  void take_split() {
    const auto split = config_.eval.split.empty() ? config_.data.test_split : config_.eval.split;
    if (split.empty()) {
      throw Error(
          "eval.split: which split is to be encoded? Set it to one of the data set's, or give --texts FILE, --videos "
          "FOLDER");
    }
    const auto dataset = load_evaluation_set(config_.data, config_.eval, split);
    set_.data = dataset.name;
    set_.split = dataset.split;
    set_.protocol = dataset.protocol;
    for (const auto& id : dataset.missing) set_.skipped.push_back({id, "the video file is not there"});
    clips_ = dataset.clips;
    texts_ = query_items(dataset);
    is_split_ = true;
    const fs::path run = options_.checkpoint;
    if (options_.out.empty() && files::exists(run / "checkpoints"))
      options_.out = (run / "eval" / split / "features.safetensors").string();
  }

  // Changes with everything that the features are made of.
  std::string key() const {
    std::string all = concat(kFormat, options_.without_words, fingerprint_, config_hash(config_));
    for (const auto& text : texts_) all += concat(text.id, '\t', text.caption, '\n');
    for (const auto& clip : clips_) {
      const auto bytes = files::exists(clip.file) ? files::size(clip.file) : 0;  // a missing one is skipped in the end
      all += concat(clip.id, ' ', clip.file.string(), ' ', bytes, ' ', clip.start_s.value_or(-1), ' ',
                    clip.end_s.value_or(-1), '\n');
    }
    return std::to_string(xxhash64(all.data(), all.size()));
  }

  void encode_texts(const Parts& parts, std::size_t begin) {
    const auto path = parts.path("text", begin);
    if (files::exists(path)) return;
    const auto end = std::min(texts_.size(), begin + kTextsAPart);
    std::vector<TextFeatures> features;
    std::vector<torch::Tensor> ids;
    const auto batch = static_cast<std::size_t>(config_.eval.batch_size);
    for (auto first = begin; first < end; first += batch) {
      if (stop_requested() != 0) throw Stopped(stop_requested());
      std::vector<std::string> some;
      for (auto i = first; i < std::min(end, first + batch); ++i) some.push_back(texts_[i].caption);
      features.push_back(tower_features(*towers_, some));
      ids.push_back(token_tensors(*checkpoint_.tokenizer, some, config_.text.max_words).ids);
    }
    const auto all = concat(features);
    TensorMap tensors = {
        {"text.sentence", all.sentence.cpu()}, {"text.ids", torch::cat(ids)}, {"text.mask", all.mask.cpu()}};
    if (!options_.without_words) tensors["text.words"] = all.words.cpu();
    write_safetensors(path, tensors);
    log_info("encoded ", end, " of ", texts_.size(), " texts");
  }

  void encode_videos(const Parts& parts, std::size_t begin) {
    const auto path = parts.path("video", begin);
    if (files::exists(path)) return;
    const auto end = std::min(clips_.size(), begin + kVideosAPart);
    const std::vector<Clip> some(clips_.begin() + static_cast<std::ptrdiff_t>(begin),
                                 clips_.begin() + static_cast<std::ptrdiff_t>(end));
    ClipStream stream(some, *source_, config_.data.workers, config_.eval.batch_size + config_.data.workers);
    std::vector<VideoFeatures> features;
    std::vector<torch::Tensor> frames, masks;
    std::vector<int64_t> rows;
    Json skipped = Json::array();
    for (auto i = begin; i < end; ++i) {
      const auto clip = stream.next();
      if (clip.error.empty()) {
        frames.push_back(clip.frames);
        masks.push_back(clip.mask);
        rows.push_back(static_cast<int64_t>(i));
      } else {
        skipped.push_back({{"video", clips_[i].id}, {"cause", clip.error}});
        refuse_smaller_gallery(clips_[i].id, clip.error);
      }
      const bool full = std::ssize(frames) == config_.eval.batch_size || i + 1 == end;
      if (!full || frames.empty()) continue;
      features.push_back(tower_features(*towers_, torch::stack(frames), torch::stack(masks)));
      frames.clear();
      masks.clear();
    }
    TensorMap tensors = {{"video.rows", torch::tensor(rows, torch::kInt64)}};
    if (!rows.empty()) {
      const auto all = concat(features);
      tensors["video.frames"] = all.frames.cpu();
      tensors["video.clip_frames"] = all.clip_frames.cpu();
      tensors["video.mask"] = all.mask.cpu();
    }
    write_safetensors(path, tensors, {{"skipped", skipped.dump(-1, ' ', false, Json::error_handler_t::replace)}});
    log_info("encoded ", end, " of ", clips_.size(), " videos");
  }

  void refuse_smaller_gallery(const std::string& id, const std::string& cause) const {
    if (!is_split_ || config_.eval.on_missing != "fail") return;
    throw Error(id, ": cannot be read: ", cause,
                "; mend or fetch it, or set eval.on_missing=skip to encode the split without such videos");
  }

  // The parts' tensors one after the other, a part in memory at a time.
  Json join(const Parts& parts) {
    std::vector<fs::path> files;
    for (std::size_t begin = 0; begin < texts_.size(); begin += kTextsAPart) files.push_back(parts.path("text", begin));
    for (std::size_t begin = 0; begin < clips_.size(); begin += kVideosAPart)
      files.push_back(parts.path("video", begin));
    std::map<std::string, std::vector<fs::path>> holders;  // of a tensor
    TensorMap shapes;
    std::vector<int64_t> read;  // clips
    for (const auto& path : files) {
      const auto part = read_safetensors(path);
      for (const auto& [name, tensor] : part.tensors) {
        if (name == "video.rows") {
          for (int64_t i = 0; i < tensor.size(0); ++i) read.push_back(tensor[i].item<int64_t>());
          continue;
        }
        auto shape = tensor.sizes().vec();
        if (const auto known = shapes.find(name); known != shapes.end()) shape[0] += known->second.size(0);
        shapes[name] = torch::zeros({}, tensor.options()).expand(shape);
        holders[name].push_back(path);
      }
      if (const auto found = part.metadata.find("skipped"); found != part.metadata.end()) {
        for (const auto& one : Json::parse(found->second))
          set_.skipped.push_back({one.at("video").get<std::string>(), one.at("cause").get<std::string>()});
      }
    }
    if (!clips_.empty() && read.empty()) {
      throw Error(options_.videos.empty() ? concat(set_.data, " split '", set_.split, "'") : options_.videos,
                  ": none of ", clips_.size(), " videos can be read");
    }
    list_items(read, shapes, holders);
    SafetensorsWriter out(options_.out, shapes, metadata());
    for (const auto& [name, paths] : holders) {
      for (const auto& path : paths) out.write(kept_rows(name, open_safetensors(path).tensors.at(name).all(), path));
    }
    out.commit();
    Json skipped = Json::array();
    for (const auto& one : set_.skipped) skipped.push_back({{"video", one.clip}, {"cause", one.cause}});
    return {{"out", options_.out},
            {"texts", set_.queries.size()},
            {"videos", set_.gallery.size()},
            {"skipped", skipped.size()},
            {"skipped_videos", skipped}};
  }

  // What the rows are. The texts of a split's videos that could not be read leave with them.
  void list_items(const std::vector<int64_t>& read, TensorMap& shapes,
                  const std::map<std::string, std::vector<fs::path>>& holders) {
    std::set<std::string> kept;
    for (const auto clip : read) {
      const auto& item = clips_[static_cast<std::size_t>(clip)];
      set_.gallery.push_back({valid_utf8(item.id), "", "", item.tags});
      kept.insert(set_.gallery.back().id);
    }
    keeps_text_.assign(texts_.size(), true);
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      if (is_split_) keeps_text_[i] = kept.count(texts_[i].video) > 0;
      if (keeps_text_[i]) set_.queries.push_back(texts_[i]);
    }
    for (const auto& [name, ignored] : holders) {
      if (!name.starts_with("text.")) continue;
      auto shape = shapes.at(name).sizes().vec();
      shape[0] = std::ssize(set_.queries);
      shapes[name] = torch::zeros({}, shapes.at(name).options()).expand(shape);
    }
    describe_frames(set_, config_.video);
  }

  torch::Tensor kept_rows(const std::string& name, const torch::Tensor& rows, const fs::path& path) const {
    if (!name.starts_with("text.")) return rows;
    const auto stem = path.stem().string();
    const auto begin = std::stoul(stem.substr(stem.find('_') + 1));
    std::vector<int64_t> kept;
    for (int64_t i = 0; i < rows.size(0); ++i) {
      if (keeps_text_[begin + static_cast<std::size_t>(i)]) kept.push_back(i);
    }
    return std::ssize(kept) == rows.size(0) ? rows : rows.index_select(0, torch::tensor(kept, torch::kInt64));
  }

  std::map<std::string, std::string> metadata() const {
    Json texts = Json::array(), videos = Json::array();  // for readers that want no more than the names
    for (const auto& item : set_.queries) texts.push_back(item.caption);
    for (const auto& item : set_.gallery) videos.push_back(item.id);
    Json skipped = Json::array();
    for (const auto& one : set_.skipped) skipped.push_back({{"video", one.clip}, {"cause", one.cause}});
    const auto dump = [](const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); };
    return {{"glint", kFormat},
            {"set", to_json(set_)},
            {"model", fingerprint_},
            {"settings", feature_settings(config_)},
            {"texts", dump(texts)},
            {"videos", dump(videos)},
            {"skipped", dump(skipped)},
            {"checkpoint", checkpoint_.folder.string()},
            {"config_hash", config_hash(config_)}};
  }

  EncodeOptions options_;
  Checkpoint checkpoint_;
  Config config_;
  EvaluatedSet set_;
  bool is_split_ = false;
  std::vector<RankedItem> texts_;
  std::vector<bool> keeps_text_;
  std::vector<Clip> clips_;
  std::shared_ptr<RetrievalModel> model_;
  std::unique_ptr<TowerWork> towers_;
  std::unique_ptr<ClipSource> source_;
  std::string fingerprint_;
};

void encode(const EncodeOptions& options) {
  catch_stop_signals();
  const auto summary = Encoder(options).run();
  std::vector<std::string> lines;
  for (const auto& one : summary.at("skipped_videos"))
    lines.push_back(concat(one.at("video").get<std::string>(), ": left out: ", one.at("cause").get<std::string>()));
  log_first(lines, "the file's metadata and --json name all");
  if (options.json) {
    std::cout << json_text(summary, 2) << "\n";
  } else {
    std::cout << summary.at("out").get<std::string>() << ": " << summary.at("texts") << " texts, "
              << summary.at("videos") << " videos, " << summary.at("skipped") << " skipped\n";
  }
}

}  // namespace

void add_encode_command(CLI::App& app) {
  auto options = std::make_shared<EncodeOptions>();
  auto* command = app.add_subcommand(
      "encode", "Write the features of a split, or of texts and videos, for glint eval and any other tool");
  command->add_option("run", options->checkpoint, "Run folder or checkpoint folder (glint import makes one)")
      ->required();
  command->add_option("overrides", options->overrides, "Settings that win over the checkpoint's: section.key=value");
  command->add_option("--texts", options->texts, "File with a text a line");
  command->add_option("--videos", options->videos, "Folder of videos, one video, or a .txt file that names one a line");
  command->add_option("--out", options->out,
                      "safetensors file to write (a run's split: eval/<split>/features.safetensors)");
  command->add_flag("--no-words", options->without_words, "Leave out the features of single words, L times the rest");
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
