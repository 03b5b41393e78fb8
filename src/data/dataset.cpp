#include "glint/data/dataset.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "data/video_files.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/log.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLeftOutNamed = 5;
constexpr std::size_t kIdsLimit = std::size_t{1} << 28;  // bytes

// Clips have no files yet but for a manifest's.
Dataset read_annotations(const DataConfig& config, const std::string& split) {
  if (config.name == "msrvtt") return read_msrvtt(config, split);
  if (config.name == "msvd") return read_msvd(config, split);
  if (config.name == "didemo") return read_didemo(config, split);
  if (config.name == "lsmdc") return read_lsmdc(config, split);
  if (config.name == "activitynet") return read_activitynet(config, split);
  if (config.name == "vatex") return read_vatex(config, split);
  GLINT_CHECK(config.name == "manifest", "no reader for data set '", config.name, "'");
  return read_manifest(config, split);
}

void log_left_out(const Dataset& dataset) {
  if (dataset.left_out.empty()) return;
  std::string names;
  for (std::size_t i = 0; i < std::min(kLeftOutNamed, dataset.left_out.size()); ++i) {
    names += (i ? ", " : "") + dataset.left_out[i].id;
  }
  if (dataset.left_out.size() > kLeftOutNamed) names += ", ...";
  log_info(dataset.name, " ", dataset.split, ": ", dataset.left_out.size(),
           " videos are left out, as in the published loaders (glint data stats says why): ", names);
}

// The ids of eval.ids, each with its line.
std::map<std::string, std::size_t> listed_ids(const fs::path& path) {
  std::map<std::string, std::size_t> lines;
  std::istringstream text(read_file(path, kIdsLimit));
  std::size_t number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    if (const auto [known, is_new] = lines.emplace(line, number); !is_new)
      throw Error(path.string(), ":", number, ": the id '", line, "' stands on line ", known->second, " too");
  }
  if (lines.empty()) throw Error(path.string(), ": eval.ids: holds no id");
  return lines;
}

// The part of a split that an evaluation is of: the listed clips, and every clip's first caption where one is asked.
void restrict_set(Dataset& dataset, const EvalConfig& eval) {
  std::vector<std::int64_t> place(dataset.clips.size(), -1);  // of a clip among those kept
  std::vector<Clip> clips;
  auto ids = eval.ids.empty() ? std::map<std::string, std::size_t>() : listed_ids(eval.ids);
  for (std::size_t i = 0; i < dataset.clips.size(); ++i) {
    if (!eval.ids.empty() && ids.erase(dataset.clips[i].id) == 0) continue;
    place[i] = std::ssize(clips);
    clips.push_back(dataset.clips[i]);
  }
  if (!ids.empty()) {
    throw Error(eval.ids, ":", ids.begin()->second, ": the split '", dataset.split, "' of ", dataset.name,
                " has no video '", ids.begin()->first, "'");
  }
  std::vector<Caption> captions;
  std::vector<bool> has_caption(dataset.clips.size());
  for (const auto& caption : dataset.captions) {
    const auto clip = static_cast<std::size_t>(caption.clip);
    if (place[clip] < 0 || (eval.captions == "first" && has_caption[clip])) continue;
    has_caption[clip] = true;
    captions.push_back({caption.text, place[clip]});
  }
  dataset.clips = std::move(clips);
  dataset.captions = std::move(captions);
  if (!eval.ids.empty()) dataset.protocol = fs::path(eval.ids).stem().string();
}

Dataset load(const DataConfig& config, const std::string& split, const std::string& policy, const std::string& setting,
             const EvalConfig& eval = {}) {
  Dataset dataset = read_annotations(config, split);
  restrict_set(dataset, eval);
  if (config.name != "manifest") {
    dataset.videos = video_folder(config);
    find_videos(dataset);
  }
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
  std::set<std::string> ids;
  for (const auto& clip : training.clips) ids.insert(clip.id);
  const auto shared = std::count_if(dataset.clips.begin(), dataset.clips.end(),
                                    [&](const Clip& clip) { return ids.count(clip.id) != 0; });
  if (shared == 0) return;
  log_warning(shared, " of ", dataset.clips.size(), " ", use, " clips are training clips too, so the ", use,
              " results say nothing about new videos",
              training.name == "manifest" ? "; name splits in the manifest, or set data.holdout=0.1" : "");
}

}  // namespace glint
