#include <nlohmann/json.hpp>

#include "datasets/annotation_files.h"
#include "datasets/json_text.h"
#include "glint/core/error.h"
#include "glint/io/pickle.h"

// MSVD as the published loaders read it: lists of ids, and some 40 captions a video in a pickle of words (or X-Pool's
// JSON of sentences, the same captions). All of them train, and all of them are asked: multi-sentence.

namespace glint {
namespace {

std::string words_joined(const PickleList& words, const std::string& where) {
  std::string caption;
  for (const auto& word : words.items) {
    const auto* text = std::get_if<std::string_view>(&word);
    if (text == nullptr) throw Error(where, " holds a value of type ", pickle_type(word), " where a word is expected");
    if (!caption.empty()) caption += ' ';
    caption += *text;
  }
  return caption;
}

}  // namespace

CaptionTable parse_token_pickle(const AnnotationFile& file) {
  const Pickle pickle(file.text, file.name);
  const auto* dict = std::get_if<const PickleDict*>(&pickle.value());
  if (dict == nullptr)
    throw Error(file.name, ": holds a value of type ", pickle_type(pickle.value()), ", not a dict of captions");
  CaptionTable table;
  for (const auto& [key, value] : (*dict)->items) {
    const auto* id = std::get_if<std::string_view>(&key);
    if (id == nullptr) throw Error(file.name, ": a key is of type ", pickle_type(key), ", not a video's id");
    const auto where = concat(file.name, ": video '", *id, "'");
    const auto* captions = std::get_if<const PickleList*>(&value);
    if (captions == nullptr)
      throw Error(where, " holds a value of type ", pickle_type(value), ", not a list of captions");
    auto& video = table.at(*id);
    if (!video.captions.empty()) throw Error(where, " stands twice");
    for (const auto& caption : (*captions)->items) {
      const auto* words = std::get_if<const PickleList*>(&caption);
      if (words == nullptr)
        throw Error(where, " holds a value of type ", pickle_type(caption), " where a list of words is expected");
      video.captions.push_back(words_joined(**words, where));
    }
  }
  return table;
}

CaptionTable parse_caption_json(const AnnotationFile& file) {
  auto data = parse_json(file.text, file.name);
  if (!data.is_object()) throw Error(file.name, ": is no object of captions by video");
  CaptionTable table;
  for (auto& [id, captions] : data.items()) {
    const auto where = concat(file.name, ": video '", id, "'");
    if (!captions.is_array()) throw Error(where, " has no list of captions");
    auto& video = table.at(id);
    for (auto& caption : captions) {
      if (!caption.is_string()) throw Error(where, " has a caption that is no text: ", short_json(caption));
      video.captions.push_back(std::move(caption.get_ref<std::string&>()));
    }
  }
  return table;
}

Dataset read_msvd(const DataConfig& config, const std::string& split) {
  Dataset dataset = new_split(config, split);
  dataset.protocol = chosen_protocol(config, {"multi_sentence"});
  const AnnotationFolder folder(config, {"msvd_data.zip"});
  const auto list = folder.read({split + "_list.txt"});
  const auto ids = parse_id_list(list);
  if (const auto pickle = folder.find("raw-captions.pkl")) {
    auto table = parse_token_pickle(*pickle);
    add_listed(dataset, ids, list.name, table, pickle->name);
  } else {
    const auto json = folder.read({"captions_msvd.json", "raw-captions.pkl"});
    auto table = parse_caption_json(json);
    add_listed(dataset, ids, list.name, table, json.name);
  }
  return dataset;
}

}  // namespace glint
