#include "app/data_verify.h"

#include <algorithm>
#include <filesystem>
#include <future>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "app/video_check.h"
#include "app/video_list.h"
#include "glint/config/config_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/first_few.h"
#include "glint/core/json.h"
#include "glint/core/progress.h"
#include "glint/core/thread_pool.h"

namespace glint::app {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct VerifyOptions {
  std::string what;
  std::vector<std::string> overrides;
  bool exact = false;
  bool json = false;
  int threads = 0;
};

// A file and all that the splits want of it.
struct CheckedFile {
  std::vector<Clip> clips = {};
  std::vector<std::string> split_of_clip = {};
  std::set<std::string> splits = {};
  VideoCheck check = {};
};

struct VerifyReport {
  std::map<fs::path, CheckedFile> files;
  std::map<std::string, std::vector<std::string>> missing;  // ids without a file, by split

  int64_t count(VideoState state) const {
    return std::count_if(files.begin(), files.end(),
                         [&](const auto& file) { return file.second.check.state == state; });
  }
  int64_t count_windows() const {
    int64_t count = 0;
    for (const auto& [path, file] : files) count += std::ssize(file.check.windows);
    return count;
  }
  int64_t count_missing() const {
    int64_t count = 0;
    for (const auto& [split, ids] : missing) count += std::ssize(ids);
    return count;
  }
};

bool is_settings_file(const fs::path& path) {
  return !files::is_folder(path) && (path.extension() == ".yaml" || path.extension() == ".yml");
}

void add_splits(VerifyReport& report, const DataConfig& config) {
  for (const auto& split : split_names(config)) {
    for (const auto& clip : read_dataset(config, split).clips) {
      if (clip.file.empty()) {
        report.missing[split].push_back(clip.id);
        continue;
      }
      auto& file = report.files[clip.file];
      file.clips.push_back(clip);
      file.split_of_clip.push_back(split);
      file.splits.insert(split);
    }
  }
}

// Each file in its turn, all threads at once.
void check_all(VerifyReport& report, const VideoConfig& video, const VerifyOptions& options) {
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  ThreadPool pool(options.threads > 0 ? options.threads : cores);
  std::vector<std::future<void>> checks;
  for (auto& [path, file] : report.files) {
    checks.push_back(
        pool.submit([&file = file, &video, &options] { file.check = check_video(file.clips, video, options.exact); }));
  }
  Progress progress("verify", std::ssize(checks), "files");
  int64_t done = 0;
  for (auto& check : checks) {
    check.get();
    progress.update(++done);
  }
}

Json files_json(const VerifyReport& report, VideoState state) {
  auto list = Json::array();
  for (const auto& [path, file] : report.files) {
    if (file.check.state != state) continue;
    list.push_back({{"file", path.string()}, {"cause", file.check.cause}, {"splits", file.splits}});
  }
  return list;
}

Json number_or_null(const std::optional<double>& number) {
  return number ? Json(*number) : Json(nullptr);
}

Json windows_json(const VerifyReport& report) {
  auto list = Json::array();
  for (const auto& [path, file] : report.files) {
    for (const auto& window : file.check.windows) {
      const auto& clip = file.clips[window.clip];
      list.push_back({{"id", clip.id},
                      {"split", file.split_of_clip[window.clip]},
                      {"file", path.string()},
                      {"start_s", number_or_null(clip.start_s)},
                      {"end_s", number_or_null(clip.end_s)},
                      {"length_s", window.length_s},
                      {"cause", window.cause}});
    }
  }
  return list;
}

std::string report_json(const VerifyReport& report, const VerifyOptions& options) {
  Json json = {{"checked", options.what},
               {"exact", options.exact},
               {"files", report.files.size()},
               {"whole", report.count(VideoState::kWhole)}};
  json["bad"] = files_json(report, VideoState::kBad);
  json["damaged"] = files_json(report, VideoState::kDamaged);
  json["unread"] = files_json(report, VideoState::kUnread);
  json["windows"] = windows_json(report);
  json["missing"] = Json::array();
  for (const auto& [split, ids] : report.missing) {
    for (const auto& id : ids) json["missing"].push_back({{"id", id}, {"split", split}});
  }
  // A file's name may hold bytes that are not UTF-8: they are replaced rather than refused.
  return json_text(json, 2) + "\n";
}

std::string summary(const VerifyReport& report) {
  std::string text = concat(report.files.size(), " files: ", report.count(VideoState::kWhole), " whole, ",
                            report.count(VideoState::kDamaged), " damaged, ", report.count(VideoState::kBad), " bad");
  if (const auto unread = report.count(VideoState::kUnread); unread > 0) {
    text += concat(", ", unread, " could not be looked at");
  }
  if (report.count_windows() > 0) text += concat("; ", report.count_windows(), " windows hold no frame");
  if (report.count_missing() > 0) text += concat("; ", report.count_missing(), " videos have no file");
  return text;
}

void print_few(const char* what, const std::vector<std::string>& lines) {
  for (const auto& line : first_few(lines, "--json names all")) {
    std::cout << std::left << std::setw(9) << what << line << "\n";
  }
}

void print_table(const VerifyReport& report) {
  std::map<VideoState, std::vector<std::string>> causes;
  for (const auto& [path, file] : report.files) causes[file.check.state].push_back(file.check.cause);
  print_few("bad", causes[VideoState::kBad]);
  print_few("damaged", causes[VideoState::kDamaged]);
  print_few("unread", causes[VideoState::kUnread]);
  std::vector<std::string> windows;
  for (const auto& [path, file] : report.files) {
    for (const auto& window : file.check.windows) {
      windows.push_back(concat(file.split_of_clip[window.clip], ": ", window.cause));
    }
  }
  print_few("window", windows);
  for (const auto& [split, ids] : report.missing) {
    std::vector<std::string> lines;
    for (const auto& id : ids) lines.push_back(concat(split, ": ", id));
    print_few("missing", lines);
  }
  std::cout << summary(report) << "\n";
}

void verify(const VerifyOptions& options) {
  const bool has_settings = is_settings_file(options.what);
  const auto config = read_config(has_settings ? options.what : "", options.overrides);
  VerifyReport report;
  if (has_settings) {
    add_splits(report, config.data);
  } else {
    for (const auto& file : list_videos(options.what)) {
      Clip whole;
      whole.file = file;
      report.files[file].clips.push_back(std::move(whole));
      report.files[file].split_of_clip.emplace_back();
    }
  }
  check_all(report, config.video, options);
  if (options.json) {
    std::cout << report_json(report, options);
  } else {
    print_table(report);
  }
  const bool all_whole = report.count(VideoState::kWhole) == std::ssize(report.files);
  if (!all_whole || report.count_windows() > 0 || !report.missing.empty()) {
    throw Error(options.what, ": ", summary(report));
  }
}

}  // namespace

void add_data_verify(CLI::App& data) {
  auto options = std::make_shared<VerifyOptions>();
  auto* command = data.add_subcommand(
      "verify", "Open every file of a data set or folder and decode the frames that training needs");
  command->add_option("WHAT", options->what, "Settings file (YAML), folder of videos, or one video")->required();
  command->add_option("overrides", options->overrides, "Settings that override the file's: section.key=value");
  command->add_flag("--exact", options->exact,
                    "Compare every frame, pixel by pixel, with decoding the whole file in order");
  command->add_option("--threads", options->threads, "Files decoded at one time; 0: one a core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print a JSON object that names every file");
  command->footer(
      "Exits with 1 if a file is bad (gives no frames), damaged (some frames are lost), missing or unread (could not "
      "be\n"
      "looked at), or if a clip's window holds no frame of its file.\n"
      "Example: glint data verify configs/clip4clip/msvd.yaml data.root=/data/msvd\n"
      "         glint data verify downloads/ --exact video.num_frames=64 video.sampling=uniform_3fps");
  command->callback([options] { verify(*options); });
}

}  // namespace glint::app
