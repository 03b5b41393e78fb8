#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "glint/config/data_config.h"
#include "glint/config/eval_config.h"

namespace glint {

struct Clip {
  std::string id;
  std::filesystem::path file;     // the video file
  std::optional<double> start_s;  // window in the file; none: all of it
  std::optional<double> end_s;
  std::vector<std::string> tags;  // a manifest's "tags", of all its rows
};

// "5023.872-5030.5", in the fewest digits that read back as the same seconds; an end that is not given is empty.
std::string window_text(const std::optional<double>& start_s, const std::optional<double>& end_s);

struct Caption {
  std::string text;
  int64_t clip = 0;                    // index into Dataset::clips
  std::vector<std::string> tags = {};  // of its row in a manifest
};

struct LeftOut {
  std::string id;
  std::string cause;  // "listed in train_ids.json, without captions in train.json"
};

// One split of a data set: what is searched and what is asked. Captions of one clip stand together, in clip order.
struct Dataset {
  std::string name;              // "msrvtt"
  std::string split;             // "test"
  std::string protocol;          // "1k-A", named in every result
  std::filesystem::path videos;  // the folder that was searched for the files
  std::vector<Clip> clips;
  std::vector<Caption> captions;
  std::vector<std::string> missing;  // ids whose file is not there: listed, and left out of clips and captions
  std::vector<LeftOut> left_out;     // ids that the split's list names and the published loaders leave out too
};

// Reads one split ("train", "val" or "test" of `config`, or any split name of a manifest). Throws Error naming file and
// line (or entry) where the annotation is not what it should be. Videos that are not there: data.on_bad_file = skip
// leaves them out, names them in one log line and in Dataset::missing; fail throws; no video at all throws in any case.
Dataset load_dataset(const DataConfig& config, const std::string& split);

// The same for a split that is evaluated: eval.on_missing decides, and eval.ids and eval.captions may make it smaller.
Dataset load_evaluation_set(const DataConfig& data, const EvalConfig& eval, const std::string& split);

// What the annotation files alone say of a split: videos need not be there, and a clip without one has an empty `file`.
Dataset read_dataset(const DataConfig& config, const std::string& split);

// One warning where clips of `dataset`, which is for "validation" or "test", train too, or are of a video file that
// does: their results mean little.
void warn_of_overlap(const Dataset& training, const Dataset& dataset, const std::string& use);

// The splits a data set has: a manifest those its settings name.
std::vector<std::string> split_names(const DataConfig& config);

// What the papers count in a split, where they do.
struct PublishedCounts {
  std::optional<int64_t> videos;
  int64_t captions = 0;
};
std::optional<PublishedCounts> published_counts(const DataConfig& config, const std::string& split);

// One file a data set: read_dataset() of each. docs/datasets/ has their files, counts and traps.

// The user's own videos: JSON, JSON lines or CSV; src/datasets/manifest_rows.h has the fields. Rows of one video
// (or one id) are one clip. Where no row names a split every split is all rows; else rows without one train. Videos are
// looked for in data.videos (the manifest's folder where that is empty), then in data.root.
Dataset read_manifest(const DataConfig& config, const std::string& split);

// MSR-VTT. Train: the list of data.protocol, all 20 captions a video. Test: 1k-A (JSFUSION, one caption a video), of
// "full" the 2,990 official ones. Val: the 497 official validation videos, which 9k and 7k train on: with
// data.val_split = val they are left out of train (8,503 and 6,513 videos stay), with an empty one nothing is held out,
// as published. The reference selects its checkpoint on the test set; that is not offered.
Dataset read_msrvtt(const DataConfig& config, const std::string& split);

// MSVD: every caption of each listed video, in training and evaluation.
Dataset read_msvd(const DataConfig& config, const std::string& split);

// DiDeMo: the sentences of a video as one paragraph, against its first 31 seconds.
Dataset read_didemo(const DataConfig& config, const std::string& split);

// LSMDC: every line of the split's file is one pair of clip and sentence.
Dataset read_lsmdc(const DataConfig& config, const std::string& split);

// ActivityNet Captions: the sentences of a video as one paragraph, against all of it. Test is val_1; there is no val.
Dataset read_activitynet(const DataConfig& config, const std::string& split);

// VATEX: every caption of each listed video in data.language. Protocol hgr: the usual lists; 1k5: CLIP2Video's random
// test list, with the rest of hgr's val and test as val.
Dataset read_vatex(const DataConfig& config, const std::string& split);

}  // namespace glint
