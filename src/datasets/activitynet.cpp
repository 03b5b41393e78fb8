#include <cmath>
#include <nlohmann/json.hpp>

#include "datasets/annotation_files.h"
#include "datasets/json_text.h"
#include "glint/core/error.h"

// ActivityNet Captions as the published loaders read it, paragraph to video: the ids of a list in its order, the
// sentences of each joined by one space, the window from its start to the second in which it ends. The sentences' own
// times are not used.

namespace glint {
namespace {

using nlohmann::json;

constexpr double kLongestVideo_s = 1e6;

void add_video(CaptionTable& table, const std::string& id, json& entry, const std::string& where) {
  const auto field = [&](const char* name) { return entry.is_object() ? entry.find(name) : entry.end(); };
  const auto duration = field("duration");
  if (duration == entry.end() || !duration->is_number()) throw Error(where, " has no number 'duration'");
  const auto sentences = field("sentences");
  if (sentences == entry.end() || !sentences->is_array()) throw Error(where, " has no list 'sentences'");
  auto& video = table.at(id);
  video.start_s = 0;
  video.end_s = std::ceil(duration->get<double>());
  if (!(*video.end_s > 0 && *video.end_s <= kLongestVideo_s)) {
    throw Error(where, " has a duration of ", duration->get<double>(), " s");
  }
  for (auto& sentence : *sentences) {
    if (!sentence.is_string()) throw Error(where, " has a sentence that is no text: ", short_json(sentence));
    video.captions.push_back(std::move(sentence.get_ref<std::string&>()));
  }
}

}  // namespace

CaptionTable parse_activitynet_captions(const AnnotationFile& file) {
  auto data = parse_json(file.text, file.name);
  if (!data.is_object()) throw Error(file.name, ": is no object of videos");
  CaptionTable table;
  for (auto& [id, entry] : data.items()) add_video(table, id, entry, concat(file.name, ": video '", id, "'"));
  return table;
}

Dataset read_activitynet(const DataConfig& config, const std::string& split) {
  Dataset dataset = new_split(config, split);
  dataset.protocol = chosen_protocol(config, {"paragraph"});
  const AnnotationFolder folder(config);
  const bool is_train = split == "train";
  const auto captions = folder.read({is_train ? "train.json" : "val_1.json"});
  const auto list =
      folder.read({is_train ? "train_ids.json" : "val_ids.json", is_train ? "train_list.txt" : "val_1_list.txt"});
  const auto ids = list.text.starts_with('[') ? parse_id_json(list) : parse_id_list(list);
  auto table = parse_activitynet_captions(captions);
  for (auto& video : table.videos()) join_sentences(video);
  add_listed(dataset, ids, list.name, table, captions.name, WithoutCaptions::kLeaveOut);
  return dataset;
}

}  // namespace glint
