#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "data/json_text.h"
#include "data/video_files.h"
#include "glint/core/error.h"
#include "glint/data/dataset.h"
#include "glint/io/csv.h"

// MSR-VTT as the published loaders read it: lists of video ids (CSV), and 20 captions a video in one JSON file. The
// 1k-A test list brings its own caption for each of its videos.

namespace glint {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

using Captions = std::unordered_map<std::string, std::vector<std::string>>;  // video id -> its captions

// The file, or the same with .gz behind it.
fs::path annotation_file(const fs::path& folder, const std::string& name) {
  for (const auto& file : {folder / name, folder / (name + ".gz")}) {
    if (fs::exists(file)) return file;
  }
  throw Error(folder.string(), ": MSR-VTT's ", name, " (or ", name,
              ".gz) is not there; data.annotations says where its files are");
}

// A list: a row a video, each video once.
struct VideoList {
  CsvTable table;
  std::vector<std::string> ids;  // of its rows
};

VideoList read_list(const fs::path& folder, const std::string& name) {
  const auto file = annotation_file(folder, name).string();
  VideoList list;
  list.table = parse_csv(read_text(file), file);
  const auto column = list.table.column("video_id");
  if (!column) throw Error(file, ": has no column 'video_id'");
  if (list.table.rows.empty()) throw Error(file, ": lists no video");
  std::unordered_map<std::string, int64_t> lines;
  for (const auto& row : list.table.rows) {
    const auto& id = row.fields[*column];
    const auto [first, is_new] = lines.try_emplace(id, row.line);
    if (!is_new) {
      throw Error(file, ":", row.line, ": video '", id, "' stands on line ", first->second,
                  " already; a video may be listed once");
    }
    list.ids.push_back(id);
  }
  return list;
}

Captions read_captions(const fs::path& folder) {
  const auto file = annotation_file(folder, "MSRVTT_data.json").string();
  const json data = parse_json(read_text(file), file);
  const auto sentences = data.is_object() ? data.find("sentences") : data.end();
  if (sentences == data.end() || !sentences->is_array()) throw Error(file, ": has no list 'sentences'");
  Captions captions;
  std::size_t number = 0;
  for (const auto& sentence : *sentences) {
    ++number;
    const auto text = [&](const char* name) -> const std::string& {
      const auto field = sentence.is_object() ? sentence.find(name) : sentence.end();
      if (field == sentence.end() || !field->is_string())
        throw Error(file, ": sentence ", number, " has no text '", name, "'");
      return field->get_ref<const std::string&>();
    };
    captions[text("video_id")].push_back(text("caption"));
  }
  return captions;
}

void add_clip(Dataset& dataset, const std::string& id, const std::vector<std::string>& captions,
              const VideoFolder& videos) {
  for (const auto& text : captions) dataset.captions.push_back({text, static_cast<int64_t>(dataset.clips.size())});
  Clip clip;
  clip.id = id;
  clip.file = videos.find(id).value_or(fs::path());
  dataset.clips.push_back(std::move(clip));
}

// All captions of each listed video but those in `left_out`.
void add_list(Dataset& dataset, const fs::path& folder, const std::string& list, const VideoFolder& videos,
              const std::unordered_set<std::string>& left_out = {}) {
  const auto ids = read_list(folder, list).ids;
  const auto captions = read_captions(folder);
  for (const auto& id : ids) {
    if (left_out.count(id) != 0) continue;
    const auto found = captions.find(id);
    if (found == captions.end())
      throw Error((folder / list).string(), ": video '", id, "' has no captions in MSRVTT_data.json");
    add_clip(dataset, id, found->second, videos);
  }
}

// One caption a video, from the list itself (1k-A).
void add_test_1ka(Dataset& dataset, const fs::path& folder, const VideoFolder& videos) {
  const std::string name = "MSRVTT_JSFUSION_test.csv";
  const auto list = read_list(folder, name);
  const auto sentence = list.table.column("sentence");
  if (!sentence) throw Error((folder / name).string(), ": has no column 'sentence'");
  for (std::size_t i = 0; i < list.ids.size(); ++i)
    add_clip(dataset, list.ids[i], {list.table.rows[i].fields[*sentence]}, videos);
}

void check_splits(const DataConfig& config, const std::string& split) {
  if (config.train_split != "train" || config.test_split != "test" ||
      (config.val_split != "val" && !config.val_split.empty())) {
    throw Error("msrvtt has the splits train, val and test; data.val_split may be empty for none");
  }
  if (split != "train" && split != "val" && split != "test") {
    throw Error("msrvtt has no split '", split, "'; there are train, val, test");
  }
}

}  // namespace

Dataset load_msrvtt(const DataConfig& config, const std::string& split) {
  check_splits(config, split);
  const fs::path root = config.root;
  const fs::path folder = config.annotations.empty() ? root : root / config.annotations;
  const VideoFolder videos(config.videos.empty() ? root : root / config.videos);
  const bool is_full = config.protocol == "full";
  const std::string val_list = "MSRVTT_val.full.csv";

  Dataset dataset;
  dataset.name = "msrvtt";
  dataset.split = split;
  dataset.protocol = config.protocol;
  if (split == "train") {
    std::unordered_set<std::string> left_out;
    if (!is_full && config.val_split == "val") {
      for (auto& id : read_list(folder, val_list).ids) left_out.insert(std::move(id));
      dataset.protocol += " without val";
    }
    add_list(dataset, folder, "MSRVTT_train." + config.protocol + ".csv", videos, left_out);
  } else if (split == "val") {
    dataset.protocol = "full";
    add_list(dataset, folder, val_list, videos);
  } else if (is_full) {
    add_list(dataset, folder, "MSRVTT_test.full.csv", videos);
  } else {
    dataset.protocol = "1k-A";
    add_test_1ka(dataset, folder, videos);
  }
  drop_missing(dataset, config, videos.path());
  return dataset;
}

}  // namespace glint
