#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "glint/config/data_config.h"
#include "glint/datasets/dataset.h"
#include "glint/text/name_index.h"

// What the official files of the data sets have in common.

namespace glint {

struct AnnotationFile {
  std::string name;  // for messages: its path, or "ARCHIVE.zip: MEMBER"
  std::string text;  // unpacked, without a byte order mark
};

// The folder of a data set's official files: data.annotations, else data.root. A file NAME may lie there as it is, as
// NAME.gz, as NAME.zip, or in one of `archives`.
class AnnotationFolder {
 public:
  explicit AnnotationFolder(const DataConfig& config, std::vector<std::string> archives = {});
  std::optional<AnnotationFile> find(const std::string& name) const;
  // The first that is there; Error naming them all where none is.
  AnnotationFile read(const std::vector<std::string>& names) const;

 private:
  std::string set_;
  std::filesystem::path folder_;
  std::vector<std::string> archives_;
};

// Calls `take(line, number)` for each line that is not empty, without the white space around it. Error where it is not
// UTF-8 or holds a NUL.
void for_each_line(const AnnotationFile& file, const std::function<void(std::string_view, int64_t)>& take);

struct ListedId {
  std::string id;
  int64_t line = 0;
};
// The ids of a list, each once; Error naming the lines where one stands twice, and for an empty list.
std::vector<std::string> distinct_ids(const std::vector<ListedId>& ids, const std::string& file);
// One id a line; white space around it and empty lines are passed over.
std::vector<std::string> parse_id_list(const AnnotationFile& file);
// A JSON list of ids.
std::vector<std::string> parse_id_json(const AnnotationFile& file);

// The captions of one video.
struct VideoText {
  std::string id;
  std::vector<std::string> captions;
  std::optional<double> start_s, end_s;
};

// Captions by video, in the order in which the videos first appear.
class CaptionTable {
 public:
  VideoText& at(std::string_view id);  // a new one where it is not there
  VideoText* find(const std::string& id);
  std::vector<VideoText>& videos() { return videos_; }

 private:
  std::vector<VideoText> videos_;
  NameIndex index_;  // of videos_; lists of ids may be of another Unicode form than the captions
};

// The captions become one, a space between them; none stay none.
void join_sentences(VideoText& video);

// A data set's split with its name; Error where the set does not have that split.
Dataset new_split(const DataConfig& config, const std::string& split);
// data.protocol, the first of `protocols` where it is empty; Error where it is none of them.
std::string chosen_protocol(const DataConfig& config, const std::vector<std::string>& protocols);

void add_clip(Dataset& dataset, VideoText video);

enum class WithoutCaptions { kRefuse, kLeaveOut };
// The captions of each id, in the order of `ids`. `list` and `table_name` name their files.
void add_listed(Dataset& dataset, const std::vector<std::string>& ids, const std::string& list, CaptionTable& table,
                const std::string& table_name, WithoutCaptions without_captions = WithoutCaptions::kRefuse);

// One reader for each kind of file, in the file of its data set.
CaptionTable parse_msrvtt_captions(const AnnotationFile& file);       // {"sentences": [{"video_id", "caption"}]}
CaptionTable parse_token_pickle(const AnnotationFile& file);          // {id: [[word, ...], ...]}: MSVD, VATEX of CE
CaptionTable parse_caption_json(const AnnotationFile& file);          // {id: [caption, ...]}: MSVD of X-Pool, VATEX
CaptionTable parse_didemo_records(const AnnotationFile& file);        // [{"video", "description"}]: its sentences
CaptionTable parse_didemo_labels(const AnnotationFile& file);         // columns video_path, text: its paragraph
CaptionTable parse_lsmdc_lines(const AnnotationFile& file);           // six fields with TABs between
CaptionTable parse_activitynet_captions(const AnnotationFile& file);  // {id: {"duration", "sentences"}}
CaptionTable parse_vatex_captions(const AnnotationFile& file, const std::string& language);  // any of its forms

}  // namespace glint
