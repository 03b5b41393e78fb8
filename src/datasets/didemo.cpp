#include <nlohmann/json.hpp>

#include "datasets/annotation_files.h"
#include "datasets/json_text.h"
#include "glint/core/error.h"
#include "glint/io/csv.h"

// DiDeMo as the published loaders read it, paragraph to video: the descriptions of a listed video are joined in the
// order of the JSON file, whose annotated moments are not used. T-MASS's label tables hold the same paragraphs and
// stand in where the JSON file is missing.

namespace glint {
namespace {

constexpr double kWindowEnd_s = 31;  // of every video: six segments of five seconds, and one second

}  // namespace

CaptionTable parse_didemo_records(const AnnotationFile& file) {
  auto records = parse_json(file.text, file.name);
  if (!records.is_array()) throw Error(file.name, ": is no list of records");
  CaptionTable table;
  std::size_t number = 0;
  for (auto& record : records) {
    ++number;
    const auto text = [&](const char* name) -> std::string& {
      return text_field(record, name, file.name, "entry", number);
    };
    table.at(text("video")).captions.push_back(std::move(text("description")));
  }
  return table;
}

CaptionTable parse_didemo_labels(const AnnotationFile& file) {
  auto csv = parse_csv(file.text, file.name);
  const auto path = csv.column("video_path");
  const auto text = csv.column("text");
  if (!path || !text) throw Error(file.name, ": has no column '", path ? "text" : "video_path", "'");
  CaptionTable table;
  for (auto& row : csv.rows) {
    const auto& whole = row.fields[*path];
    auto& video = table.at(std::string_view(whole).substr(whole.rfind('/') + 1));  // npos + 1 is 0
    if (!video.captions.empty()) throw Error(file.name, ":", row.line, ": video '", video.id, "' stands twice");
    video.captions.push_back(std::move(row.fields[*text]));
  }
  return table;
}

Dataset read_didemo(const DataConfig& config, const std::string& split) {
  Dataset dataset = new_split(config, split);
  dataset.protocol = chosen_protocol(config, {"paragraph"});
  const AnnotationFolder folder(config);
  const auto list = folder.read({split + "_list.txt"});
  const auto records = folder.find(split + "_data.json");
  const auto file = records ? *records : folder.read({"didemo_" + split + "_label.csv", split + "_data.json"});
  auto table = records ? parse_didemo_records(file) : parse_didemo_labels(file);

  // In the order of the file, as the published loaders have them; then who is listed and has no sentence.
  CaptionTable listed;
  for (const auto& id : parse_id_list(list)) listed.at(id);
  for (auto& video : table.videos()) {
    if (listed.find(video.id) == nullptr) continue;
    join_sentences(video);
    video.start_s = 0;
    video.end_s = kWindowEnd_s;
  }
  std::vector<std::string> ids;
  for (const auto& video : table.videos()) {
    if (listed.find(video.id) != nullptr) ids.push_back(video.id);
  }
  for (const auto& video : listed.videos()) {
    if (table.find(video.id) == nullptr) ids.push_back(video.id);
  }
  add_listed(dataset, ids, list.name, table, file.name, WithoutCaptions::kLeaveOut);
  return dataset;
}

}  // namespace glint
