#pragma once

#include <cstdint>
#include <string>

#include "glint/config/setting_rule.h"

namespace glint {

// data.*: the data set, its splits, and how its clips are loaded.
struct DataConfig {
  std::string name = "manifest";
  std::string root = ".";
  std::string annotations;
  std::string videos;
  std::string protocol;
  std::string language = "en";
  std::string train_split = "train";
  std::string val_split = "val";
  std::string test_split = "test";
  double holdout = 0;
  std::string captions = "all";
  std::string on_bad_file = "skip";
  int64_t workers = 2;
  int64_t prefetch = 4;
  int64_t cache_mb = 0;
  std::string cache;
  std::string cache_codec = "raw";
  int64_t cache_quality = 95;
};

template <class Visitor>
void describe(Visitor& v, DataConfig& c) {
  v.field("name", c.name, one_of({"manifest", "msrvtt", "msvd", "didemo", "lsmdc", "activitynet", "vatex"}),
          "manifest, msrvtt, msvd, didemo, lsmdc, activitynet, vatex");
  v.field("root", c.root, any().path().of_machine(), "folder that relative paths of annotations and videos start from");
  v.field("annotations", c.annotations, any().path().of_machine(),
          "manifest: the file; others: the folder of the official files; empty: root");
  v.field("videos", c.videos, any().path().of_machine(),
          "folder of the videos; empty: the manifest's folder; others: root");
  // each data set refuses what it does not have
  v.field("protocol", c.protocol, any(),
          "msrvtt: 9k, 7k, full; vatex: hgr, 1k5; empty: the first, or the set's only one");
  v.field("language", c.language, one_of({"en", "zh"}), "vatex: which captions: en, zh");
  v.field("train_split", c.train_split, any().of_training(), "manifest: which rows train");
  v.field("val_split", c.val_split, any(), "split (a manifest: rows) that chooses the best checkpoint; empty: none");
  v.field("test_split", c.test_split, any().another_on_resume(), "manifest: which rows are evaluated");
  v.field("holdout", c.holdout, SettingRule{.low = 0, .high = 0.5, .high_open = true, .choices = {}},
          "a manifest without splits: share of its videos that validate, and as many that test; 0: all do all");
  v.field("captions", c.captions, one_of({"all", "random"}).of_training(),
          "training samples: all = each pair, random = each video, one caption an epoch");
  v.field("on_bad_file", c.on_bad_file, one_of({"skip", "fail"}).of_training(),
          "training: a video that is missing or unreadable: skip (named, counted), fail");
  v.field("workers", c.workers, within(1, 1024).without_effect().of_machine(), "decode threads");
  v.field("prefetch", c.prefetch, within(1, 1024).without_effect().of_machine().of_training(), "batches decoded ahead");
  v.field("cache_mb", c.cache_mb, within(0, 1 << 24).without_effect().of_machine(),
          "decoded clips kept in memory, MiB; 0 keeps none");
  v.field("cache", c.cache, any().path().without_effect().of_machine(),
          "folder of decoded clips, made by glint data cache; empty: none");
  v.field("cache_codec", c.cache_codec, one_of({"raw", "yuv420", "jpeg"}),
          "how clips are kept there: raw (exact), yuv420 (half the size), jpeg");
  v.field("cache_quality", c.cache_quality, within(1, 100), "of jpeg");
}

}  // namespace glint
