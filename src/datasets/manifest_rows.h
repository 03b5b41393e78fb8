#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace glint {

// One entry of a manifest as it stands there.
struct ManifestRow {
  std::string where;  // "a.csv:12", "a.json: entry 3"; for messages
  std::string video;
  std::string id;  // of the video and its window where none is given
  std::optional<std::string> split;
  std::optional<double> start_s;
  std::optional<double> end_s;
  std::vector<std::string> captions;  // at least one, none blank
  std::vector<std::string> tags;
};

// Reads a manifest: a JSON array of objects (.json), an object a line (.jsonl, .ndjson, or .json that begins with one),
// or CSV (.csv, .csv.gz, ...). Fields:
//   video or file      the file, relative to the folder of videos
//   caption, captions  one or a list; each a string, or an object with "text"
//   start_s, end_s     window in seconds; optional, 0 <= start_s < end_s
//   split, id          optional words
//   tags               optional; a list of words, in CSV with ';' between them
// Others are passed over. Error naming the place where it is not that.
std::vector<ManifestRow> read_manifest_rows(const std::filesystem::path& path);

}  // namespace glint
