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
          "data set: manifest (your own), msrvtt, msvd, didemo, lsmdc, activitynet, vatex");
  v.field("root", c.root, any().path().of_machine(), "folder that relative paths of annotations and videos start from");
  v.field("annotations", c.annotations, any().path().of_machine(),
          "annotations: the manifest file, or the folder of the official files; empty: data.root");
  v.field("videos", c.videos, any().path().of_machine(),
          "folder of the videos; empty: the manifest's own folder, or data.root for other data sets");
  // each data set refuses what it does not have
  v.field("protocol", c.protocol, any(),
          "published split: msrvtt has 9k, 7k, full; vatex has hgr, 1k5; empty: the first of them");
  v.field("language", c.language, one_of({"en", "zh"}), "language of VATEX's captions: en, zh");
  v.field("train_split", c.train_split, any().of_training(),
          "split to train on (of a manifest: the rows with this name)");
  v.field("val_split", c.val_split, any(),
          "split that chooses the best checkpoint; empty: no validation, the last checkpoint is used");
  v.field("test_split", c.test_split, any().another_on_resume(), "split to evaluate");
  v.field("holdout", c.holdout, SettingRule{.low = 0, .high = 0.5, .high_open = true, .choices = {}},
          "manifest without splits: fraction of the videos held out for validation, and as many again for the test; 0: "
          "every video is in all three");
  v.field("captions", c.captions, one_of({"all", "random"}).of_training(),
          "training samples of an epoch: all (every pair of video and caption), random (every video once, with a "
          "random caption)");
  v.field("on_bad_file", c.on_bad_file, one_of({"skip", "fail"}).of_training(),
          "what a missing or unreadable training video does: skip (replaced, named and counted), fail");
  v.field("workers", c.workers, within(1, 1024).without_effect().of_machine(), "threads that decode videos");
  v.field("prefetch", c.prefetch, within(1, 1024).without_effect().of_machine().of_training(),
          "batches decoded ahead of the training step");
  v.field("cache_mb", c.cache_mb, within(0, 1 << 24).without_effect().of_machine(),
          "memory for decoded clips, MiB; 0: no cache in memory");
  v.field("cache", c.cache, any().path().without_effect().of_machine(),
          "folder of decoded clips made by glint data cache; empty: decode the videos");
  v.field("cache_codec", c.cache_codec, one_of({"raw", "yuv420", "jpeg"}),
          "how data.cache stores pictures: raw (exact), yuv420 (half the size), jpeg");
  v.field("cache_quality", c.cache_quality, within(1, 100), "JPEG quality where data.cache_codec is jpeg");
}

}  // namespace glint
