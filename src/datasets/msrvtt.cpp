#include <filesystem>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "datasets/annotation_files.h"
#include "datasets/json_text.h"
#include "glint/core/error.h"
#include "glint/io/csv.h"

// MSR-VTT as the published loaders read it: lists of video ids (CSV), and 20 captions a video in one JSON file, or in
// the two of the official release. The 1k-A test list brings its own caption for each of its videos.

namespace glint {
namespace {

// A list: a row a video, each video once.
struct VideoList {
  std::string file;
  CsvTable table;
  std::vector<std::string> ids;  // of its rows
};

VideoList read_video_list(const AnnotationFolder& folder, const std::string& name) {
  const auto file = folder.read({name});
  VideoList list;
  list.file = file.name;
  list.table = parse_csv(file.text, file.name);
  const auto column = list.table.column("video_id");
  if (!column) throw Error(file.name, ": has no column 'video_id'");
  std::vector<ListedId> ids;
  for (const auto& row : list.table.rows) ids.push_back({row.fields[*column], row.line});
  list.ids = distinct_ids(ids, file.name);
  return list;
}

// From MSRVTT_data.json, or from what there is of the official files; `name` becomes what was read.
CaptionTable read_captions(const AnnotationFolder& folder, std::string& name) {
  const std::string all = "MSRVTT_data.json", train_val = "train_val_videodatainfo.json",
                    test = "test_videodatainfo.json";
  if (const auto file = folder.find(all)) {
    name = file->name;
    return parse_msrvtt_captions(*file);
  }
  CaptionTable table;
  for (const auto& part : {train_val, test}) {
    const auto file = folder.find(part);
    if (!file) continue;
    name += (name.empty() ? "" : " and ") + part;
    auto captions = parse_msrvtt_captions(*file);
    for (auto& video : captions.videos()) table.at(video.id).captions = std::move(video.captions);
  }
  if (name.empty()) folder.read({all, train_val + " and " + test});  // says that none is there
  return table;
}

// All captions of each listed video but those in `left_out`.
void add_list(Dataset& dataset, const AnnotationFolder& folder, const std::string& name,
              const std::unordered_set<std::string>& left_out = {}) {
  auto list = read_video_list(folder, name);
  std::erase_if(list.ids, [&](const auto& id) { return left_out.count(id) != 0; });
  std::string captions_name;
  auto captions = read_captions(folder, captions_name);
  add_listed(dataset, list.ids, list.file, captions, captions_name);
}

// One caption a video, from the list itself (1k-A).
void add_test_1ka(Dataset& dataset, const AnnotationFolder& folder) {
  auto list = read_video_list(folder, "MSRVTT_JSFUSION_test.csv");
  const auto sentence = list.table.column("sentence");
  if (!sentence) throw Error(list.file, ": has no column 'sentence'");
  for (std::size_t i = 0; i < list.ids.size(); ++i) {
    add_clip(dataset, {list.ids[i], {std::move(list.table.rows[i].fields[*sentence])}, {}, {}});
  }
}

}  // namespace

CaptionTable parse_msrvtt_captions(const AnnotationFile& file) {
  auto data = parse_json(file.text, file.name);
  const auto sentences = data.is_object() ? data.find("sentences") : data.end();
  if (sentences == data.end() || !sentences->is_array()) throw Error(file.name, ": has no list 'sentences'");
  CaptionTable captions;
  std::size_t number = 0;
  for (auto& sentence : *sentences) {
    ++number;
    const auto text = [&](const char* name) -> std::string& {
      return text_field(sentence, name, file.name, "sentence", number);
    };
    captions.at(text("video_id")).captions.push_back(std::move(text("caption")));
  }
  return captions;
}

Dataset read_msrvtt(const DataConfig& config, const std::string& split) {
  Dataset dataset = new_split(config, split);
  const AnnotationFolder folder(config, {"train_val_annotation.zip", "test_videodatainfo.json.zip", "msrvtt_data.zip"});
  const std::string protocol = chosen_protocol(config, {"9k", "7k", "full"});
  const bool is_full = protocol == "full";
  const std::string val_list = "MSRVTT_val.full.csv";
  dataset.protocol = protocol;
  if (split == "train") {
    std::unordered_set<std::string> left_out;
    if (!is_full && config.val_split == "val") {
      for (auto& id : read_video_list(folder, val_list).ids) left_out.insert(std::move(id));
      dataset.protocol += " without val";
    }
    add_list(dataset, folder, "MSRVTT_train." + protocol + ".csv", left_out);
  } else if (split == "val") {
    dataset.protocol = "full";
    add_list(dataset, folder, val_list);
  } else if (is_full) {
    add_list(dataset, folder, "MSRVTT_test.full.csv");
  } else {
    dataset.protocol = "1k-A";
    add_test_1ka(dataset, folder);
  }
  return dataset;
}

}  // namespace glint
