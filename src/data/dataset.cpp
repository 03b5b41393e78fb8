#include "glint/data/dataset.h"

#include <algorithm>
#include <set>

#include "data/video_files.h"
#include "glint/core/error.h"
#include "glint/core/log.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLeftOutNamed = 5;

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

Dataset load(const DataConfig& config, const std::string& split, const std::string& policy,
             const std::string& setting) {
  Dataset dataset = read_annotations(config, split);
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
  return load(data, split, eval.on_missing, "eval.on_missing");
}

Dataset read_dataset(const DataConfig& config, const std::string& split) {
  Dataset dataset = read_annotations(config, split);
  if (config.name == "manifest") return dataset;
  dataset.videos = video_folder(config);
  std::error_code problem;  // a folder that cannot be looked up is not there
  if (fs::is_directory(dataset.videos, problem)) find_videos(dataset);
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
