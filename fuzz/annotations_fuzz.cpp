#include <array>
#include <cstdint>
#include <string>

#include "datasets/annotation_files.h"
#include "glint/core/error.h"

// Any bytes as each kind of annotation file.

namespace {

template <class Parse>
void read(const glint::AnnotationFile& file, const Parse& parse) {
  try {
    glint::CaptionTable table = parse(file);
    for (const auto& video : table.videos()) {
      GLINT_CHECK(table.find(video.id) == &video, "'", video.id, "' is not found");
      GLINT_CHECK(!video.end_s || *video.end_s > *video.start_s, "'", video.id, "' has an empty window");
    }
  } catch (const glint::Error&) {  // refused, as it should be
  }
}

template <class Parse>
void read_ids(const glint::AnnotationFile& file, const Parse& parse) {
  try {
    GLINT_CHECK(!parse(file).empty(), "a list of no ids");
  } catch (const glint::Error&) {  // refused, as it should be
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const glint::AnnotationFile file{"fuzz", std::string(reinterpret_cast<const char*>(data), size)};
  read(file, glint::parse_msrvtt_captions);
  read(file, glint::parse_token_pickle);
  read(file, glint::parse_caption_json);
  read(file, glint::parse_didemo_records);
  read(file, glint::parse_didemo_labels);
  read(file, glint::parse_lsmdc_lines);
  read(file, glint::parse_activitynet_captions);
  for (const char* language : {"en", "zh"}) {
    read(file, [&](const glint::AnnotationFile& f) { return glint::parse_vatex_captions(f, language); });
  }
  read_ids(file, glint::parse_id_list);
  read_ids(file, glint::parse_id_json);
  return 0;
}
