#include "glint/eval/evaluated_set.h"
#include "glint/core/json.h"

#include <torch/torch.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>

#include "glint/core/error.h"

namespace glint {
namespace {

using SetJson = nlohmann::ordered_json;

SetJson item_json(const RankedItem& item) {
  SetJson json = {{"id", item.id}};
  if (!item.caption.empty()) json["caption"] = item.caption;
  if (!item.video.empty()) json["video"] = item.video;
  if (!item.tags.empty()) json["tags"] = item.tags;
  return json;
}

std::vector<RankedItem> items_of(const SetJson& list, const std::string& kind, const std::string& where) {
  std::vector<RankedItem> items;
  std::unordered_set<std::string> ids;
  for (const auto& json : list) {
    items.push_back({json.at("id").get<std::string>(), json.value("caption", std::string()),
                     json.value("video", std::string()), json.value("tags", std::vector<std::string>())});
    if (items.back().id.empty()) throw Error(where, ": a ", kind, " has an empty id");
    if (!ids.insert(items.back().id).second)
      throw Error(where, ": the ", kind, " '", items.back().id, "' stands twice");
  }
  return items;
}

std::unordered_map<std::string, int64_t> rows_of(const std::vector<RankedItem>& items) {
  std::unordered_map<std::string, int64_t> rows;
  for (std::size_t row = 0; row < items.size(); ++row) rows.emplace(items[row].id, static_cast<int64_t>(row));
  return rows;
}

}  // namespace

torch::Tensor video_of_query(const EvaluatedSet& set) {
  const auto rows = rows_of(set.gallery);
  std::vector<int64_t> owners;
  for (const auto& query : set.queries) {
    const auto found = rows.find(query.video);
    if (found == rows.end()) {
      throw Error("text '", query.id, "' has no right answer among the videos",
                  query.video.empty() ? std::string() : concat(": '", query.video, "' is not one of them"),
                  "; name the right answers with --truth FILE");
    }
    owners.push_back(found->second);
  }
  return torch::tensor(owners, torch::kInt64);
}

void describe_frames(EvaluatedSet& set, const VideoConfig& video) {
  set.frames = video.num_frames;
  if (video.sampling == "glscl" || video.sampling == "clip4clip") set.fps = video.fps;
  if (video.max_seconds > 0) set.max_seconds = video.max_seconds;
}

std::string to_json(const EvaluatedSet& set) {
  SetJson json = {{"data", set.data}, {"split", set.split}, {"protocol", set.protocol}, {"captions", set.captions}};
  if (set.frames) json["frames"] = *set.frames;
  if (set.fps) json["fps"] = *set.fps;
  if (set.max_seconds) json["max_seconds"] = *set.max_seconds;
  for (const auto* list : {"queries", "gallery", "skipped"}) json[list] = SetJson::array();
  for (const auto& item : set.queries) json["queries"].push_back(item_json(item));
  for (const auto& item : set.gallery) json["gallery"].push_back(item_json(item));
  for (const auto& skipped : set.skipped) json["skipped"].push_back({skipped.clip, skipped.cause});
  return json_text(json);
}

EvaluatedSet parse_evaluated_set(const std::string& text, const std::string& where) {
  EvaluatedSet set;
  try {
    const auto json = parse_json(text, concat(where, " ('set')"));
    set.data = json.at("data").get<std::string>();
    set.split = json.at("split").get<std::string>();
    set.protocol = json.at("protocol").get<std::string>();
    set.captions = json.value("captions", std::string());
    if (json.contains("frames")) {
      if (!json.at("frames").is_number_unsigned()) throw Error(where, ": its 'frames' is no count");
      set.frames = json.at("frames").get<int64_t>();
    }
    if (json.contains("fps")) set.fps = json.at("fps").get<double>();
    if (json.contains("max_seconds")) set.max_seconds = json.at("max_seconds").get<double>();
    set.queries = items_of(json.at("queries"), "text", where);
    set.gallery = items_of(json.at("gallery"), "video", where);
    for (const auto& skipped : json.at("skipped"))
      set.skipped.push_back({skipped.at(0).get<std::string>(), skipped.at(1).get<std::string>()});
  } catch (const BadFile& error) {  // no JSON
    throw Error(error.what(), "; write it again");
  } catch (const nlohmann::json::exception& error) {
    throw Error(where, ": does not say which texts and videos its rows are, or is damaged (", error.what(),
                "); write it again");
  }
  if (set.split.starts_with('.') || set.split.find_first_of("/\\") != std::string::npos)
    throw Error(where, ": its split '", set.split, "' is no plain name");  // results lie in a folder of that name
  const auto videos = rows_of(set.gallery);
  for (const auto& query : set.queries) {
    if (!query.video.empty() && videos.count(query.video) == 0)
      throw Error(where, ": the video '", query.video, "' of text '", query.id, "' is not in its gallery");
  }
  return set;
}

}  // namespace glint
