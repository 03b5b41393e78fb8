#include "datasets/manifest_rows.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "glint/core/error.h"
#include "glint/core/json.h"
#include "glint/core/text_file.h"
#include "glint/datasets/dataset.h"
#include "glint/io/csv.h"
#include "glint/text/visible.h"

namespace glint {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Reads the fields of one entry; every sentence it throws names the place.
class RowReader {
 public:
  RowReader(const json& entry, std::string where) : entry_(entry), where_(std::move(where)) {
    if (!entry_.is_object()) fail("is not an object with fields");
  }

  ManifestRow row() const {
    ManifestRow row;
    row.where = where_;
    row.video = video();
    row.start_s = seconds("start_s");
    row.end_s = seconds("end_s");
    if (row.end_s && *row.end_s <= row.start_s.value_or(0)) {
      fail(concat("end_s is ", *row.end_s, ", not after start_s, ", row.start_s.value_or(0)));
    }
    row.split = word("split");
    row.id = word("id").value_or(default_id(row));
    row.captions = captions();
    if (const auto* tags = find("tags")) {
      if (!tags->is_array()) fail("tags must be a list of words");
      for (const auto& tag : *tags) row.tags.push_back(non_empty("tags", tag));
    }
    return row;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(where_, ": ", what); }

  // The field; null is as good as not there.
  const json* find(const char* name) const {
    const auto found = entry_.find(name);
    return found == entry_.end() || found->is_null() ? nullptr : &*found;
  }

  std::string non_empty(const char* name, const json& value) const {
    if (!value.is_string()) fail(concat(name, " must be text, is ", short_json(value)));
    auto text = value.get<std::string>();
    if (text.empty()) fail(concat(name, " is empty"));
    if (is_blank(text)) fail(concat(name, " is blank: it holds nothing that a reader sees"));
    if (text.find('\0') != std::string::npos) fail(concat(name, " holds a NUL"));
    return text;
  }

  std::optional<std::string> word(const char* name) const {
    const auto* value = find(name);
    if (value == nullptr) return std::nullopt;
    return value->is_number_integer() ? json_text(*value) : non_empty(name, *value);
  }

  std::string video() const {
    for (const char* name : {"video", "file"}) {
      if (const auto* value = find(name)) return non_empty(name, *value);
    }
    std::string names;
    for (const auto& field : entry_.items()) names += (names.empty() ? "" : ", ") + field.key().substr(0, 40);
    fail(concat("has no field 'video' (or 'file'), only: ", names.substr(0, 200)));
  }

  static std::string default_id(const ManifestRow& row) {
    if (!row.start_s && !row.end_s) return row.video;
    return concat(row.video, '@', window_text(row.start_s, row.end_s));
  }

  std::optional<double> seconds(const char* name) const {
    const auto* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number()) fail(concat(name, " must be a number of seconds, is ", short_json(*value)));
    const double time_s = value->get<double>();
    if (!std::isfinite(time_s) || time_s < 0) fail(concat(name, " is ", time_s, ", which is no time in a video"));
    return time_s;
  }

  std::vector<std::string> captions() const {
    const auto* one = find("caption");
    const auto* many = find("captions");
    if (one != nullptr && many != nullptr) fail("has both 'caption' and 'captions'");
    if (one == nullptr && many == nullptr) fail("has no caption (field 'caption' or 'captions')");
    const json& value = one != nullptr ? *one : *many;
    std::vector<std::string> captions;
    if (!value.is_array()) return {caption(value)};
    for (const auto& item : value) captions.push_back(caption(item));
    if (captions.empty()) fail("has no caption: its list is empty");
    return captions;
  }

  std::string caption(const json& value) const {
    const json* text = &value;
    if (value.is_object()) {
      const auto found = value.find("text");
      if (found == value.end()) fail("a caption has no 'text'");
      text = &*found;
    }
    if (!text->is_string()) fail(concat("a caption must be text, is ", short_json(*text)));
    auto caption = text->get<std::string>();
    if (caption.find_first_not_of(" \t\r\n") == std::string::npos) fail("a caption is empty");
    if (is_blank(caption)) fail("a caption is blank: it holds nothing that a reader sees (no-break spaces, say)");
    return caption;
  }

  const json& entry_;
  std::string where_;
};

std::vector<ManifestRow> rows_of_array(const std::string& text, const std::string& file) {
  const json entries = parse_json(text, file);
  std::vector<ManifestRow> rows;
  for (const auto& entry : entries) {
    rows.push_back(RowReader(entry, concat(file, ": entry ", rows.size() + 1)).row());
  }
  return rows;
}

// A .json file of objects, one a line; one object over several lines is no manifest, whatever it holds.
void refuse_one_object(const std::string& text, const std::string& file) {
  const auto first = text.substr(0, text.find('\n', text.find('{')));
  try {
    parse_json(first, file);
  } catch (const BadFile&) {
    parse_json(text, file);  // names what is wrong, where that is not JSON either
    throw Error(file, ": is one JSON object; a manifest is a list of objects, or one object a line");
  }
}

std::vector<ManifestRow> rows_of_lines(const std::string& text, const std::string& file) {
  std::vector<ManifestRow> rows;
  for_each_line(text, [&](std::string_view line, int64_t number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) return;
    rows.push_back(RowReader(parse_json(line, file, number), concat(file, ":", number)).row());
  });
  return rows;
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// A CSV field as the JSON value it stands for; an empty one is not there.
json csv_value(const std::string& column, std::string field) {
  const bool is_caption = column.rfind("caption", 0) == 0;
  if (!is_caption) field = trimmed(field);  // "a.mp4, train": the blank is the writer's, not the split's
  if (field.empty() && !is_caption) return nullptr;
  if (column == "start_s" || column == "end_s") {
    double number = 0;
    const auto [rest, problem] = std::from_chars(field.data(), field.data() + field.size(), number);
    if (problem == std::errc() && rest == field.data() + field.size()) return number;
  }
  if (column != "tags") return field;
  json tags = json::array();
  std::istringstream words(field);
  for (std::string word; std::getline(words, word, ';');) tags.push_back(trimmed(word));
  return tags;
}

std::vector<ManifestRow> rows_of_csv(const std::string& text, const std::string& file) {
  const auto table = parse_csv(text, file);
  std::vector<ManifestRow> rows;
  for (const auto& row : table.rows) {
    json entry = json::object();
    for (std::size_t c = 0; c < row.fields.size(); ++c) {
      entry[table.columns[c]] = csv_value(table.columns[c], row.fields[c]);
    }
    rows.push_back(RowReader(entry, concat(file, ":", row.line)).row());
  }
  return rows;
}

}  // namespace

std::vector<ManifestRow> read_manifest_rows(const fs::path& path) {
  const std::string file = path.string();
  const auto extension = (path.extension() == ".gz" ? path.stem() : path).extension();
  const bool is_csv = extension == ".csv";
  if (!is_csv && extension != ".json" && extension != ".jsonl" && extension != ".ndjson") {
    throw Error(file, ": a manifest is a .json, .jsonl or .csv file");
  }
  const std::string text = read_text(file);
  const auto first = text.find_first_not_of(" \t\r\n");
  const bool is_array = first != std::string::npos && text[first] == '[';
  if (extension == ".json" && first != std::string::npos && text[first] == '{') refuse_one_object(text, file);
  auto rows = is_csv ? rows_of_csv(text, file) : is_array ? rows_of_array(text, file) : rows_of_lines(text, file);
  if (rows.empty()) throw Error(file, ": holds no entry");
  return rows;
}

}  // namespace glint
