#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "glint/config/config_file.h"
#include "glint/core/error.h"

// The recipe files against the hyper-parameters of the papers and the released scripts, written down here once more.

namespace glint::test {
namespace {

struct Recipe {
  std::string file, head;
  int64_t batch;
  double lr, clip_lr;
  int64_t epochs;
  std::string schedule;
  int64_t frames, words;
  std::string sampling, freeze;
  int64_t seed = 42;
};

std::vector<Recipe> recipes() {
  const std::string bert = "warmup_cosine";
  std::vector<Recipe> all = {
      {"glscl/msrvtt", "glscl", 128, 1e-4, 1e-7, 5, bert, 12, 32, "glscl", "conv1"},
      {"glscl/msvd", "glscl", 128, 1e-4, 1e-7, 5, bert, 12, 32, "glscl", "conv1"},
      {"glscl/didemo", "glscl", 32, 1e-4, 1e-7, 5, bert, 64, 64, "clip4clip", "conv1"},
      {"glscl/lsmdc", "glscl", 128, 1e-4, 1e-7, 5, bert, 12, 32, "glscl", "conv1"},
      {"glscl/activitynet", "glscl", 64, 1e-4, 1e-7, 10, bert, 64, 64, "clip4clip", "conv1"},
      {"glccl/msrvtt", "glccl", 128, 1e-4, 1e-7, 5, bert, 12, 32, "clip4clip", "clip4clip"},
      {"glccl/didemo", "glccl", 64, 1e-4, 1e-7, 20, bert, 64, 64, "clip4clip", "clip4clip"},
      {"glccl/vatex", "glccl", 128, 1e-4, 1e-7, 5, bert, 12, 32, "clip4clip", "clip4clip"},
      {"xclip/msrvtt", "xclip", 300, 1e-4, 1e-7, 5, bert, 12, 32, "clip4clip", "clip4clip"},
      {"xclip/msvd", "xclip", 300, 1e-4, 1e-7, 5, bert, 12, 32, "clip4clip", "clip4clip"},
      {"xclip/lsmdc", "xclip", 300, 1e-4, 1e-7, 5, bert, 12, 32, "clip4clip", "clip4clip"},
      {"xclip/didemo", "xclip", 64, 1e-4, 1e-7, 20, bert, 64, 64, "clip4clip", "clip4clip"},
      {"xclip/activitynet", "xclip", 112, 1e-4, 1e-7, 20, bert, 64, 64, "clip4clip", "clip4clip"},
      {"xpool/msrvtt", "xpool", 32, 3e-5, 1e-6, 5, "cosine", 12, 77, "xpool", "none", 24},
      {"xpool/msrvtt_7k", "xpool", 32, 1e-5, 1e-6, 5, "cosine", 12, 77, "xpool", "none", 24},
      {"xpool/msvd", "xpool", 32, 1e-5, 1e-6, 5, "cosine", 12, 77, "xpool", "none", 24},
      {"xpool/lsmdc", "xpool", 32, 1e-5, 1e-6, 5, "cosine", 12, 77, "xpool", "none", 24},
      {"centerclip/msrvtt", "mean_pool", 128, 2e-3, 2e-6, 5, "cosine", 12, 32, "uniform_3fps", "clip4clip"},
      {"centerclip/msvd", "mean_pool", 128, 2e-3, 2e-6, 5, "cosine", 12, 32, "uniform_3fps", "clip4clip"},
      {"centerclip/lsmdc", "mean_pool", 128, 5e-3, 5e-6, 5, "cosine", 12, 32, "uniform_3fps", "clip4clip"},
      {"centerclip/activitynet", "mean_pool", 128, 1e-2, 1e-5, 8, "cosine", 60, 77, "uniform_3fps", "clip4clip"},
  };
  for (const char* set : {"msrvtt", "msvd", "lsmdc"}) {
    all.push_back({concat("clip4clip/", set), "mean_pool", 128, 1e-4, 1e-7, 5, bert, 12, 32, "clip4clip", "clip4clip"});
  }
  for (const char* set : {"didemo", "activitynet"}) {
    all.push_back({concat("clip4clip/", set), "mean_pool", 128, 1e-4, 1e-7, 5, bert, 64, 64, "clip4clip", "clip4clip"});
  }
  return all;
}

const std::filesystem::path kConfigs = std::filesystem::path(GLINT_SOURCE_DIR) / "configs";

TEST(RecipesTest, EveryRecipeHasThePublishedHyperParameters) {
  for (const auto& want : recipes()) {
    SCOPED_TRACE(want.file);
    const auto config = read_config(kConfigs / (want.file + ".yaml"), {});
    EXPECT_EQ(head_name(config.head), want.head);
    EXPECT_EQ(config.train.batch_size, want.batch);
    EXPECT_EQ(config.optim.lr, want.lr);
    EXPECT_EQ(config.optim.clip_lr, want.clip_lr);
    EXPECT_EQ(config.train.epochs, want.epochs);
    EXPECT_EQ(config.optim.schedule, want.schedule);
    EXPECT_EQ(config.optim.warmup, 0.1);
    EXPECT_EQ(config.optim.weight_decay, 0.2);
    EXPECT_EQ(config.video.num_frames, want.frames);
    EXPECT_EQ(config.text.max_words, want.words);
    EXPECT_EQ(config.video.sampling, want.sampling);
    EXPECT_EQ(config.model.freeze, want.freeze);
    EXPECT_EQ(config.train.seed, want.seed);
  }
}

TEST(RecipesTest, WhatOnlySomeMethodsHaveIsAsReleased) {
  const auto read = [](const std::string& file) { return read_config(kConfigs / (file + ".yaml"), {}); };
  for (const std::string set : {"msrvtt", "msvd", "didemo", "lsmdc", "activitynet"}) {
    const auto config = read("glscl/" + set);
    const auto& head = std::get<GlsclConfig>(config.head);
    EXPECT_EQ(head.temperature, set == "lsmdc" ? 5 : 3) << set;
    EXPECT_EQ(head.alpha, set == "lsmdc" ? 0.01 : 1e-4) << set;
    EXPECT_EQ(head.beta, 0.005) << set;
    EXPECT_EQ(head.icl_weight, 1) << set;
    EXPECT_EQ(head.queries, set == "activitynet" ? 12 : 8) << set;
    EXPECT_EQ(head.decoder_layers, 3) << set;
    EXPECT_EQ(head.query_weight, 0.5) << set;
    EXPECT_EQ(config.optim.schedule_epochs, set == "activitynet" ? 5 : 0) << set;
    EXPECT_EQ(config.video.augment, set == "didemo" || set == "activitynet" ? "none" : "rand_augment") << set;
  }
  for (const std::string set : {"msrvtt", "didemo", "vatex"}) {
    const auto config = read("glccl/" + set);
    const auto& head = std::get<GlcclConfig>(config.head);
    EXPECT_EQ(head.temperature, 5) << set;
    EXPECT_EQ(head.score_temperature, 0.01) << set;
    EXPECT_EQ(head.csc_weight, 0.1) << set;
  }
  for (const std::string set : {"msrvtt", "msrvtt_7k", "msvd", "lsmdc"}) {
    const auto config = read("xpool/" + set);
    const bool strong = set == "msrvtt_7k" || set == "msvd";
    EXPECT_EQ(std::get<XpoolConfig>(config.head).dropout, strong ? 0.4 : 0.3) << set;
    EXPECT_EQ(config.optim.name, "adamw") << set;
    EXPECT_EQ(config.optim.beta2, 0.999) << set;
    EXPECT_TRUE(config.optim.decay_bias) << set;
    EXPECT_EQ(config.video.augment, "resized_crop_flip") << set;
  }
  const std::map<std::string, std::string> stages = {
      {"msrvtt", "6-3"}, {"msvd", "6-4"}, {"lsmdc", "6-6"}, {"activitynet", "6-15"}};
  for (const auto& [set, stage] : stages) {
    const auto config = read("centerclip/" + set);
    EXPECT_EQ(config.model.clustering.stages, stage) << set;
    EXPECT_EQ(config.model.clustering.clusters, 49) << set;
    EXPECT_EQ(config.optim.name, "adamw") << set;
    EXPECT_EQ(config.optim.beta2, 0.98) << set;
    EXPECT_EQ(config.optim.min_lr, 1e-8) << set;
  }
}

TEST(RecipesTest, EveryRecipeFileIsHeldAgainstItsPaper) {
  std::set<std::string> held, files;
  for (const auto& recipe : recipes()) held.insert(recipe.file);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kConfigs)) {
    if (!entry.is_regular_file() || entry.path().parent_path() == kConfigs) continue;  // demo.yaml is our own
    files.insert(entry.path().lexically_relative(kConfigs).replace_extension().string());
  }
  EXPECT_EQ(held, files);
}

}  // namespace
}  // namespace glint::test
