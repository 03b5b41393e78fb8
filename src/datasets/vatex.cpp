#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "datasets/annotation_files.h"
#include "datasets/json_text.h"
#include "glint/core/error.h"

// VATEX: lists of ids, ten captions a video and language, all of them pairs. The captions come in four forms: the
// official release (a list of entries, training and validation), CLIP2Video's vatex_data.json (both languages by id),
// HGR's ref_captions.json (English by id) and CE's raw-captions.pkl (English words by id).

namespace glint {
namespace {

using nlohmann::json;

const char* field_of(const std::string& language) {
  return language == "zh" ? "chCap" : "enCap";
}

void add_captions(CaptionTable& table, const std::string& id, json& captions, const std::string& where) {
  if (!captions.is_array()) throw Error(where, " has no list of captions");
  auto& video = table.at(id);
  if (!video.captions.empty()) throw Error(where, " stands twice");
  for (auto& caption : captions) {
    if (!caption.is_string()) throw Error(where, " has a caption that is no text: ", short_json(caption));
    video.captions.push_back(std::move(caption.get_ref<std::string&>()));
  }
}

json& captions_in(json& entry, const std::string& language, const std::string& where) {
  const auto captions = entry.find(field_of(language));
  if (captions == entry.end()) throw Error(where, " has no '", field_of(language), "'");
  return *captions;
}

// The official entries.
CaptionTable parse_entries(json& entries, const std::string& language, const std::string& file) {
  CaptionTable table;
  std::size_t number = 0;
  for (auto& entry : entries) {
    const auto where = concat(file, ": entry ", ++number);
    const auto id = entry.is_object() ? entry.find("videoID") : entry.end();
    if (id == entry.end() || !id->is_string()) throw Error(where, " has no text 'videoID'");
    add_captions(table, id->get<std::string>(), captions_in(entry, language, where), where);
  }
  return table;
}

// The captions of the first of the four forms that is there; `name` becomes what was read.
CaptionTable read_captions(const AnnotationFolder& folder, const std::string& language, std::string& name) {
  const std::string by_id = "vatex_data.json", training = "vatex_training_v1.0.json",
                    validation = "vatex_validation_v1.0.json", references = "ref_captions.json",
                    words = "raw-captions.pkl";
  if (const auto file = folder.find(by_id)) {
    name = file->name;
    return parse_vatex_captions(*file, language);
  }
  CaptionTable table;
  for (const auto& part : {training, validation}) {
    const auto file = folder.find(part);
    if (!file) continue;
    name += (name.empty() ? "" : " and ") + part;
    auto captions = parse_vatex_captions(*file, language);
    for (auto& video : captions.videos()) {
      table.at(video.id).captions = std::move(video.captions);
    }
  }
  if (!name.empty()) return table;
  const auto file = folder.read({references, words, by_id, training});
  name = file.name;
  return parse_vatex_captions(file, language);
}

// Lists of hgr, which CE calls split1 and split2.
AnnotationFile read_id_list(const AnnotationFolder& folder, const std::string& split) {
  if (split == "train") return folder.read({"train_list.txt"});
  return folder.read({split + "_list.txt", split == "val" ? "val_list_split1.txt" : "val_list_split2.txt"});
}

// The ids of hgr's val and test that 1k5 does not test.
std::vector<std::string> rest_of_1k5(const AnnotationFolder& folder) {
  const auto tested = parse_id_list(folder.read({"test1k5_sec_list.txt"}));
  const std::unordered_set<std::string> taken(tested.begin(), tested.end());
  std::vector<std::string> ids;
  for (const char* split : {"val", "test"}) {
    for (auto& id : parse_id_list(read_id_list(folder, split))) {
      if (taken.count(id) == 0) ids.push_back(std::move(id));
    }
  }
  return ids;
}

}  // namespace

CaptionTable parse_vatex_captions(const AnnotationFile& file, const std::string& language) {
  const bool is_json =
      file.text.find_first_not_of(" \t\r\n") != std::string::npos &&
      std::string_view("[{").find(file.text[file.text.find_first_not_of(" \t\r\n")]) != std::string::npos;
  const auto need_english = [&] {
    if (language != "en") throw Error(file.name, ": holds English captions alone, and data.language is ", language);
  };
  if (!is_json) {
    need_english();
    return parse_token_pickle(file);
  }
  auto data = parse_json(file.text, file.name);
  if (data.is_array()) return parse_entries(data, language, file.name);
  CaptionTable table;
  for (auto& [id, entry] : data.items()) {
    const auto where = concat(file.name, ": video '", id, "'");
    if (!entry.is_object()) need_english();
    add_captions(table, id, entry.is_object() ? captions_in(entry, language, where) : entry, where);
  }
  return table;
}

Dataset read_vatex(const DataConfig& config, const std::string& split) {
  Dataset dataset = new_split(config, split);
  const auto protocol = chosen_protocol(config, {"hgr", "1k5"});
  dataset.protocol = concat(protocol, ", ", config.language, ", multi_sentence");
  const AnnotationFolder folder(config);
  std::string captions_name;
  auto table = read_captions(folder, config.language, captions_name);
  if (protocol == "1k5" && split == "val") {
    add_listed(dataset, rest_of_1k5(folder), "val_list.txt and test_list.txt", table, captions_name);
  } else {
    const auto list =
        protocol == "1k5" && split == "test" ? folder.read({"test1k5_sec_list.txt"}) : read_id_list(folder, split);
    add_listed(dataset, parse_id_list(list), list.name, table, captions_name);
  }
  return dataset;
}

}  // namespace glint
