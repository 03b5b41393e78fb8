#include <algorithm>
#include <array>
#include <string_view>

#include "datasets/annotation_files.h"
#include "glint/core/error.h"

// LSMDC as the published loaders read it: six fields a line with TABs between and no header; a quote is a character
// like any other. A clip may stand on several lines; each is a pair.

namespace glint {
namespace {

constexpr std::size_t kFields = 6;  // clip id, aligned window, extracted window (times), sentence

// Clips that cannot be decoded: DiCoSA and GLSCL leave the first three out, X-Pool the last.
constexpr std::array<std::string_view, 4> kBrokenClips = {
    "0017_Pianist_00.23.28.872-00.23.34.843", "0017_Pianist_00.30.36.767-00.30.38.009",
    "3064_SPARKLE_2012_01.41.07.000-01.41.11.793", "1012_Unbreakable_00.05.16.065-00.05.21.941"};

std::string file_of(const std::string& split) {
  if (split == "train") return "LSMDC16_annos_training.csv";
  return split == "val" ? "LSMDC16_annos_val.csv" : "LSMDC16_challenge_1000_publictect.csv";
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  for (std::size_t begin = 0; begin <= line.size();) {
    const auto end = std::min(line.find('\t', begin), line.size());
    fields.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return fields;
}

}  // namespace

CaptionTable parse_lsmdc_lines(const AnnotationFile& file) {
  CaptionTable table;
  for_each_line(file, [&](std::string_view line, int64_t number) {
    const auto fields = fields_of(line);
    if (fields.size() != kFields) {
      throw Error(file.name, ":", number, ": has ", fields.size(), " fields with TABs between, must have ", kFields);
    }
    auto id = fields[0];
    if (id.starts_with('"')) id.remove_prefix(1);  // the training file has some; no clip's name begins so
    if (id.empty()) throw Error(file.name, ":", number, ": has no clip id");
    table.at(id).captions.emplace_back(fields[kFields - 1]);
  });
  return table;
}

Dataset read_lsmdc(const DataConfig& config, const std::string& split) {
  Dataset dataset = new_split(config, split);
  dataset.protocol = chosen_protocol(config, {"single_sentence"});
  const auto file = AnnotationFolder(config).read({file_of(split)});
  auto table = parse_lsmdc_lines(file);
  for (auto& video : table.videos()) {
    if (std::find(kBrokenClips.begin(), kBrokenClips.end(), video.id) == kBrokenClips.end()) {
      add_clip(dataset, std::move(video));
    } else {
      dataset.left_out.push_back({video.id, "known to be broken"});
    }
  }
  if (dataset.clips.empty()) throw Error(file.name, ": holds no clip");
  return dataset;
}

}  // namespace glint
