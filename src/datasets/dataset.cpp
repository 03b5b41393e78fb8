#include "glint/datasets/dataset.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "datasets/video_files.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/first_few.h"
#include "glint/core/log.h"
#include "glint/core/text_file.h"
#include "glint/text/name_index.h"
#include "glint/text/visible.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kIdsLimit = std::size_t{1} << 28;  // bytes

// Clips have no files yet but for a manifest's.
Dataset read_set(const DataConfig& config, const std::string& split) {
  if (config.name == "msrvtt") return read_msrvtt(config, split);
  if (config.name == "msvd") return read_msvd(config, split);
  if (config.name == "didemo") return read_didemo(config, split);
  if (config.name == "lsmdc") return read_lsmdc(config, split);
  if (config.name == "activitynet") return read_activitynet(config, split);
  if (config.name == "vatex") return read_vatex(config, split);
  GLINT_CHECK(config.name == "manifest", "no reader for data set '", config.name, "'");
  return read_manifest(config, split);
}

// A folder that is not there is told as that, not as the file that it does not hold.
void require_there(const char* key, const fs::path& path) {
  if (!files::exists(path)) throw Error("data.", key, ": ", path.string(), " is not there");
}

void require_folders(const DataConfig& config) {
  require_there("root", config.root);
  if (!config.annotations.empty()) require_there("annotations", fs::path(config.root) / config.annotations);
}

// A caption without a letter that anybody sees is a caption without words. A manifest's reader has named its row.
void refuse_blank(const Dataset& dataset) {
  for (const auto& caption : dataset.captions) {
    if (!is_blank(caption.text)) continue;
    throw Error(dataset.name, " split '", dataset.split, "': video '",
                dataset.clips[static_cast<std::size_t>(caption.clip)].id,
                "' has a caption that is blank: it holds nothing that a reader sees");
  }
}

Dataset read_annotations(const DataConfig& config, const std::string& split) {
  require_folders(config);
  auto dataset = read_set(config, split);
  refuse_blank(dataset);
  return dataset;
}

void log_left_out(const Dataset& dataset) {
  if (dataset.left_out.empty()) return;
  std::vector<std::string> names;
  for (const auto& video : dataset.left_out) names.push_back(video.id);
  log_info(dataset.name, " ", dataset.split, ": ", dataset.left_out.size(),
           " videos are left out, as in the published loaders (glint data stats says why): ", few_names(names));
}

struct ListedIds {
  NameIndex names;
  std::vector<int64_t> lines;  // of each name
};

// The ids of eval.ids.
ListedIds listed_ids(const fs::path& path) {
  ListedIds ids;
  for_each_line(read_text(path, kIdsLimit), [&](std::string_view line, int64_t number) {
    if (line.empty()) return;
    const auto where = concat(path.string(), ":", number);
    if (is_blank(line)) throw Error(where, ": the id is blank: it holds nothing that a reader sees");
    const std::string id(line);
    if (!ids.names.add(id)) {
      throw Error(where, ": the id '", id, "' stands on line ", ids.lines[*ids.names.find(id)], " too");
    }
    ids.lines.push_back(number);
  });
  if (ids.lines.empty()) throw Error(path.string(), ": eval.ids: holds no id");
  return ids;
}

// Which clips of the set the file lists; Error for an id that none has.
std::vector<bool> listed_clips(const Dataset& dataset, const fs::path& path) {
  const auto ids = listed_ids(path);
  NameIndex clips;
  for (const auto& clip : dataset.clips) clips.add(clip.id);
  std::vector<bool> is_listed(dataset.clips.size());
  for (std::size_t i = 0; i < ids.lines.size(); ++i) {
    const auto& id = ids.names.name(i);
    const auto clip = clips.find(id);
    if (!clip) {
      throw Error(path.string(), ":", ids.lines[i], ": the split '", dataset.split, "' of ", dataset.name,
                  " has no video '", id, "'");
    }
    is_listed[*clip] = true;
  }
  return is_listed;
}

// The part of a split that an evaluation is of: the listed clips, and every clip's first caption where one is asked.
void restrict_set(Dataset& dataset, const EvalConfig& eval) {
  std::vector<std::int64_t> place(dataset.clips.size(), -1);  // of a clip among those kept
  std::vector<Clip> clips;
  const auto is_listed =
      eval.ids.empty() ? std::vector<bool>(dataset.clips.size(), true) : listed_clips(dataset, eval.ids);
  for (std::size_t i = 0; i < dataset.clips.size(); ++i) {
    if (!is_listed[i]) continue;
    place[i] = std::ssize(clips);
    clips.push_back(dataset.clips[i]);
  }
  std::vector<Caption> captions;
  std::vector<bool> has_caption(dataset.clips.size());
  for (const auto& caption : dataset.captions) {
    const auto clip = static_cast<std::size_t>(caption.clip);
    if (place[clip] < 0 || (eval.captions == "first" && has_caption[clip])) continue;
    has_caption[clip] = true;
    captions.push_back({caption.text, place[clip], caption.tags});
  }
  dataset.clips = std::move(clips);
  dataset.captions = std::move(captions);
  if (!eval.ids.empty()) dataset.protocol = fs::path(eval.ids).stem().string();
}

Dataset load(const DataConfig& config, const std::string& split, const std::string& policy, const std::string& setting,
             const EvalConfig& eval = {}) {
  Dataset dataset = read_annotations(config, split);
  restrict_set(dataset, eval);
  const bool is_manifest = config.name == "manifest";
  if (!is_manifest) dataset.videos = video_folder(config);
  const bool lacks_files =
      std::any_of(dataset.clips.begin(), dataset.clips.end(), [](const Clip& clip) { return clip.file.empty(); });
  if (lacks_files && !config.videos.empty()) require_there("videos", dataset.videos);
  if (!is_manifest) find_videos(dataset);
  log_left_out(dataset);
  drop_missing(dataset, policy, setting);
  return dataset;
}

}  // namespace

Dataset load_dataset(const DataConfig& config, const std::string& split) {
  return load(config, split, config.on_bad_file, "data.on_bad_file");
}

Dataset load_evaluation_set(const DataConfig& data, const EvalConfig& eval, const std::string& split) {
  return load(data, split, eval.on_missing, "eval.on_missing", eval);
}

Dataset read_dataset(const DataConfig& config, const std::string& split) {
  Dataset dataset = read_annotations(config, split);
  if (config.name == "manifest") return dataset;
  dataset.videos = video_folder(config);
  if (files::is_folder(dataset.videos)) find_videos(dataset);
  return dataset;
}

std::vector<std::string> split_names(const DataConfig& config) {
  if (config.name == "activitynet") return {"train", "test"};
  if (config.name != "manifest") return {"train", "val", "test"};
  std::vector<std::string> names;
  for (const auto& name : {config.train_split, config.val_split, config.test_split}) {
    if (!name.empty()) names.push_back(name);
  }
  return names;
}

void warn_of_overlap(const Dataset& training, const Dataset& dataset, const std::string& use) {
  std::unordered_set<std::string> ids, files;
  for (const auto& clip : training.clips) {
    ids.insert(clip.id);
    files.insert(clip.file.string());
  }
  int64_t clips = 0, videos = 0;
  for (const auto& clip : dataset.clips) {
    if (ids.count(clip.id) != 0) {
      ++clips;
    } else if (!clip.file.empty() && files.count(clip.file.string()) != 0) {
      ++videos;
    }
  }
  const auto* cure = training.name == "manifest" ? "; name splits in the manifest, or set data.holdout=0.1" : "";
  if (clips > 0) {
    log_warning(clips, " of ", dataset.clips.size(), " ", use, " clips are training clips too, so the ", use,
                " results say nothing about new videos", cure);
  }
  if (videos > 0) {
    log_warning(videos, " of ", dataset.clips.size(), " ", use, " clips are of videos that train too, so the ", use,
                " results say little about new videos", cure);
  }
}

std::string window_text(const std::optional<double>& start_s, const std::optional<double>& end_s) {
  const auto text = [](double time_s) {
    char digits[400];  // the largest double has 309
    return std::string(digits, std::to_chars(digits, digits + sizeof digits, time_s, std::chars_format::fixed).ptr);
  };
  return concat(text(start_s.value_or(0)), '-', end_s ? text(*end_s) : "");
}

}  // namespace glint
