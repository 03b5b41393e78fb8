#include <algorithm>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "datasets/manifest_rows.h"
#include "datasets/video_files.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/hash.h"
#include "glint/datasets/dataset.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

fs::path manifest_path(const DataConfig& config) {
  const fs::path path = config.annotations.empty() ? fs::path(config.root) : fs::path(config.root) / config.annotations;
  if (!files::is_folder(path)) return path;
  for (const char* name : {"manifest.json", "manifest.jsonl", "manifest.csv"}) {
    if (files::exists(path / name)) return path / name;
  }
  throw Error(path.string(),
              ": holds no manifest.json, manifest.jsonl or manifest.csv; data.annotations names another file");
}

// The split whose rows are wanted, and the setting that names it; empty where none does.
struct SplitName {
  std::string setting;
  std::string value;
};

// A split that a setting names is that one; "train", "val" and "test" else stand for what their settings name, and any
// other split for itself.
SplitName split_name(const DataConfig& config, const std::string& split) {
  const SplitName named[] = {{"data.train_split", config.train_split},
                             {"data.val_split", config.val_split},
                             {"data.test_split", config.test_split}};
  for (const auto& one : named) {
    if (one.value == split) return one;
  }
  for (const auto& one : named) {
    if (one.setting == concat("data.", split, "_split") && !one.value.empty()) return one;
  }
  return {"", split};
}

// Of a manifest without splits: each split is all rows, or its videos' share. A video's rows stay together, and a video
// stays where it is when others come or go.
std::vector<ManifestRow> held_out(std::vector<ManifestRow> rows, const DataConfig& config, const SplitName& wanted) {
  if (config.holdout == 0) return rows;
  if (wanted.setting.empty()) {
    throw Error("data.holdout=", config.holdout, ": makes the splits '", config.train_split, "', '", config.val_split,
                "' and '", config.test_split, "', not '", wanted.value, "'");
  }
  const auto split_of = [&](const ManifestRow& row) {
    const double place = static_cast<double>(xxhash64(row.video.data(), row.video.size())) * 0x1p-64;
    return place < config.holdout       ? config.test_split
           : place < 2 * config.holdout ? config.val_split
                                        : config.train_split;
  };
  std::erase_if(rows, [&](const auto& row) { return split_of(row) != wanted.value; });
  if (rows.empty()) {
    throw Error("data.holdout=", config.holdout, ": leaves no video for the split '", wanted.value,
                "'; set it higher, or name splits in the manifest");
  }
  return rows;
}

// Rows that name no split train, except where none names one: then each split is all of them.
std::vector<ManifestRow> rows_of_split(std::vector<ManifestRow> rows, const DataConfig& config, const SplitName& wanted,
                                       const fs::path& manifest) {
  std::set<std::string> names;
  for (const auto& row : rows) {
    if (row.split) names.insert(*row.split);
  }
  if (names.empty()) return held_out(std::move(rows), config, wanted);
  if (config.holdout > 0) {
    throw Error("data.holdout=", config.holdout, ": has no effect, as ", manifest.string(),
                " names splits of its own; leave it out");
  }
  std::erase_if(rows, [&](const auto& row) { return row.split.value_or(config.train_split) != wanted.value; });
  if (!rows.empty()) return rows;
  std::string known;
  for (const auto& name : names) known += (known.empty() ? "'" : ", '") + name + "'";
  throw Error(manifest.string(), ": no entry has the split '", wanted.value, "'",
              wanted.setting.empty() ? "" : concat(" that ", wanted.setting, " asks for"), "; there are ", known);
}

// Adds the row's clip, or finds the one that earlier rows made, and its captions.
class DatasetBuilder {
 public:
  DatasetBuilder(const DataConfig& config, const fs::path& manifest)
      : folder_(folder_of(config, manifest)), root_(config.root) {}

  void add(const ManifestRow& row) {
    const auto [place, is_new] = index_.try_emplace(row.id, items_.size());
    if (is_new) {
      const auto file = finder_.find(folder_, row.video);
      const auto in_root = file ? file : finder_.find(root_, row.video);
      items_.push_back({{row.id, in_root.value_or(fs::path()), row.start_s, row.end_s, row.tags}, row, {}});
    }
    Item& item = items_[place->second];
    const auto& first = item.row;
    if (first.video != row.video || first.start_s != row.start_s || first.end_s != row.end_s) {
      throw Error(row.where, ": id '", row.id, "' stands for another video or window than at ", first.where);
    }
    for (const auto& text : row.captions) item.captions.push_back({text, 0, row.tags});
    for (const auto& tag : row.tags) {
      auto& tags = item.clip.tags;
      if (std::find(tags.begin(), tags.end(), tag) == tags.end()) tags.push_back(tag);
    }
  }

  void finish(Dataset& dataset) {
    for (auto& item : items_) {
      for (auto& caption : item.captions) {
        caption.clip = static_cast<int64_t>(dataset.clips.size());
        dataset.captions.push_back(std::move(caption));
      }
      dataset.clips.push_back(std::move(item.clip));
    }
  }
  const fs::path& folder() const { return folder_; }

 private:
  struct Item {
    Clip clip;
    ManifestRow row;  // that made it
    std::vector<Caption> captions;
  };
  static fs::path folder_of(const DataConfig& config, const fs::path& manifest) {
    return config.videos.empty() ? manifest.parent_path() : fs::path(config.root) / config.videos;
  }

  fs::path folder_;
  fs::path root_;
  VideoFinder finder_;
  std::vector<Item> items_;
  std::unordered_map<std::string, std::size_t> index_;  // id -> item
};

}  // namespace

Dataset read_manifest(const DataConfig& config, const std::string& split) {
  const fs::path manifest = manifest_path(config);
  const SplitName wanted = split_name(config, split);
  if (wanted.value.empty()) throw Error(wanted.setting, " is empty: there is no split to load");
  auto rows = read_manifest_rows(manifest);
  const bool has_splits = std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.split.has_value(); });
  rows = rows_of_split(std::move(rows), config, wanted, manifest);

  Dataset dataset;
  dataset.name = "manifest";
  dataset.split = wanted.value;
  dataset.protocol = manifest.filename().string() + (has_splits           ? ""
                                                     : config.holdout > 0 ? concat(", holdout ", config.holdout)
                                                                          : ", all rows (it names no splits)");
  DatasetBuilder builder(config, manifest);
  for (const auto& row : rows) builder.add(row);
  builder.finish(dataset);
  dataset.videos = builder.folder();
  return dataset;
}

}  // namespace glint
