#include "app/data_cache.h"

#include <algorithm>
#include <cstdio>
#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/first_few.h"
#include "glint/core/json.h"
#include "glint/core/log.h"
#include "glint/core/stop_signal.h"
#include "glint/data/frame_cache.h"
#include "glint/datasets/dataset.h"

namespace glint::app {
namespace {

using Json = nlohmann::ordered_json;

struct CacheOptions {
  std::string config;
  std::vector<std::string> overrides;
  std::string out;
  std::string codec;
  int quality = 0;
  int64_t workers = 0;
  bool check = false;
  bool json = false;
};

Config config_of(const CacheOptions& options) {
  auto overrides = options.overrides;
  if (!options.out.empty()) overrides.push_back("data.cache=" + options.out);
  if (!options.codec.empty()) overrides.push_back("data.cache_codec=" + options.codec);
  if (options.quality != 0) overrides.push_back(concat("data.cache_quality=", options.quality));
  auto config = read_config(options.config, overrides);
  config.data.workers = options.workers > 0 ? options.workers : std::max(1U, std::thread::hardware_concurrency());
  if (config.data.cache.empty()) throw Error("no folder is named for the cache: give --out FOLDER, or set data.cache");
  return config;
}

// What training, validation and test read.
std::vector<Clip> clips_of(const DataConfig& data, std::vector<std::string>& missing) {
  std::vector<std::string> splits;
  for (const auto& split : {data.train_split, data.val_split, data.test_split}) {
    if (!split.empty() && std::find(splits.begin(), splits.end(), split) == splits.end()) splits.push_back(split);
  }
  std::vector<Clip> clips;
  for (const auto& split : splits) {
    auto dataset = read_dataset(data, split);
    for (auto& clip : dataset.clips) {
      if (clip.file.empty()) {
        missing.push_back(clip.id);
      } else {
        clips.push_back(std::move(clip));
      }
    }
  }
  if (clips.empty()) throw Error("no video of ", data.name, " is there; data.videos or data.root names their folder");
  return clips;
}

std::string size_text(int64_t bytes) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(bytes < 10'000'000 ? 3 : 1) << static_cast<double>(bytes) / 1e6 << " MB";
  return out.str();
}

std::string dumped(const Json& json) {
  return json_text(json, 2) + "\n";
}

Json to_json(const std::vector<UncachedClip>& clips) {
  Json list = Json::array();
  for (const auto& clip : clips) list.push_back({{"clip", clip.clip}, {"cause", clip.cause}});
  return list;
}

void print_some(const std::vector<std::string>& lines) {
  for (const auto& line : first_few(lines, "--json names all")) std::cout << "  " << line << "\n";
}

void print_some(const std::vector<UncachedClip>& clips) {
  std::vector<std::string> lines;
  for (const auto& clip : clips) lines.push_back(concat(clip.clip, ": ", clip.cause));
  print_some(lines);
}

void write_bad_files(const std::string& folder, const std::vector<UncachedClip>& bad) {
  std::string lines;
  for (const auto& clip : bad) {
    lines += json_text(Json{{"clip", clip.clip}, {"cause", clip.cause}}) + "\n";
  }
  write_file(folder + "/bad_files.jsonl", lines);
}

void build(const Config& config, bool json) {
  catch_stop_signals();
  std::vector<std::string> missing;
  const auto clips = clips_of(config.data, missing);
  const auto result = build_frame_cache(clips, config.data, config.video);
  write_bad_files(config.data.cache, result.bad);
  if (json) {
    std::cout << dumped({{"folder", config.data.cache},
                         {"clips", result.clips},
                         {"kept", result.kept},
                         {"made", result.made},
                         {"bytes", result.bytes},
                         {"seconds", result.seconds},
                         {"bad", to_json(result.bad)},
                         {"missing", missing}});
    return;
  }
  std::cout << config.data.cache << ": " << result.kept + result.made << " of " << result.clips << " clips, "
            << size_text(result.bytes) << "; " << result.made << " made now in " << std::fixed << std::setprecision(1)
            << result.seconds << " s\n";
  if (!result.bad.empty()) std::cout << result.bad.size() << " could not be read:\n";
  print_some(result.bad);
  if (!missing.empty()) std::cout << missing.size() << " videos are not there:\n";
  print_some(missing);
  log_info("train from it with data.cache=", config.data.cache);
}

void check(const Config& config, bool json) {
  catch_stop_signals();
  std::vector<std::string> absent;
  const auto clips = clips_of(config.data, absent);
  const auto result = check_frame_cache(clips, config.data, config.video);
  if (json) {
    std::cout << dumped({{"folder", config.data.cache},
                         {"clips", result.clips},
                         {"sound", result.sound},
                         {"missing", to_json(result.missing)},
                         {"damaged", result.damaged},
                         {"bytes", result.bytes},
                         {"unused_bytes", result.unused_bytes}});
  } else {
    std::cout << config.data.cache << ": " << result.sound << " of " << result.clips << " clips are sound; "
              << size_text(result.bytes) << ", of which " << size_text(result.unused_bytes) << " are no clip's\n";
    print_some(result.damaged);
    print_some(result.missing);
  }
  if (!result.damaged.empty()) {
    throw Error(config.data.cache, ": ", result.damaged.size(),
                " of its files or clips are damaged; delete the packs named "
                "above and run the command without --check, which makes their clips anew");
  }
  if (!result.missing.empty()) {
    throw Error(config.data.cache, ": ", result.missing.size(), " of ", result.clips,
                " clips are missing or stale; the command without --check makes them");
  }
}

}  // namespace

void add_data_cache(CLI::App& data) {
  auto options = std::make_shared<CacheOptions>();
  auto* command = data.add_subcommand("cache", "Decode every clip of all splits once, into a folder to train from");
  command->add_option("config", options->config, "Settings file (YAML), such as those in configs/")->required();
  command->add_option("overrides", options->overrides, "Settings that override the file's: section.key=value");
  command->add_option("--out", options->out, "Folder to write (data.cache)");
  command->add_option(
      "--codec", options->codec,
      "How pictures are stored: raw, yuv420 or jpeg (data.cache_codec); training needs the same setting");
  command->add_option("--quality", options->quality, "JPEG quality, 1 to 100 (data.cache_quality)");
  command->add_option("--workers", options->workers, "Threads that decode; default: all cores")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--check", options->check,
                    "Write nothing: read the cache and the videos, print what is damaged, stale or missing, and exit "
                    "with 1 if anything is");
  command->add_flag("--json", options->json, "Print a JSON object instead of text");
  command->footer(
      "Example: glint data cache configs/demo.yaml --out demo_cache && "
      "glint train configs/demo.yaml data.cache=demo_cache");
  command->callback([options] {
    const auto config = config_of(*options);
    options->check ? check(config, options->json) : build(config, options->json);
  });
}

}  // namespace glint::app
