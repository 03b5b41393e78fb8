#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <nlohmann/json.hpp>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/weights/export.h"
#include "glint/weights/import.h"
#include "glint/weights/initialisation.h"
#include "support/environment.h"
#include "support/small_clip.h"

namespace glint::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

// A checkpoint of small towers with a tokenizer trained here, made on a machine with its own places.
class DeploymentTest : public testing::Test {
 protected:
  DeploymentTest() {
    auto sizes = small_clip_sizes();
    sizes.vocabulary_size = 60;
    config_.run.dir = "/home/somebody/run";
    config_.data.root = "/home/somebody/videos";
    config_.model.weights = "/home/somebody/clip_b32";
    config_.text.vocabulary = "/home/somebody/tokenizer.model";
    config_.text.tokenizer = "sentencepiece";
    config_.text.max_words = 9;
    config_.video.image_size = sizes.image_size;
    config_.video.num_frames = 5;
    config_.model.temporal = "none";
    config_.model.towers = tower_config(sizes);
    config_.head = MeanPoolConfig{};
    tokenizer_ = train_sentencepiece({"a red circle moves left", "a blue square moves right"}, 40);
    torch::manual_seed(1);
    const RetrievalModel model(config_.model, config_.head, sizes, {sizes.embed_dim, 9, 5});
    for (const auto& item : model.named_parameters()) weights_[item.key()] = item.value().detach();
    save();
  }

  void save() { save_checkpoint(folder_ / "run", config_, *tokenizer_, weights_); }
  std::vector<fs::path> deploy(const std::string& format, const std::string& to) {
    return export_model(load_checkpoint(folder_ / "run"), format, folder_ / to);
  }

  const TemporaryFolder folder_;
  Config config_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  TensorMap weights_;
};

TEST_F(DeploymentTest, AFolderServesWhereverItLies) {
  const auto files = deploy("deploy", "out");
  for (const auto& file : files) EXPECT_TRUE(fs::exists(file)) << file;
  fs::rename(folder_ / "out", folder_ / "elsewhere");
  fs::remove_all(folder_ / "run");
  const auto served = load_checkpoint(folder_ / "elsewhere");
  ASSERT_EQ(served.model.size(), weights_.size());
  for (const auto& [name, tensor] : weights_) EXPECT_TRUE(torch::equal(served.model.at(name), tensor)) << name;
  EXPECT_EQ(served.tokenizer->encode("a red square"), tokenizer_->encode("a red square"));
  for (const auto& file : fs::directory_iterator(folder_ / "elsewhere")) {
    EXPECT_THAT(read_file(file.path()), Not(HasSubstr("somebody"))) << file.path();
  }
}

TEST_F(DeploymentTest, ItIsAStartOfTrainingWhoseWeightsAreReadOnce) {
  deploy("deploy", "out");
  Config config;
  config.model.weights = (folder_ / "out").string();
  config.model.temporal = "none";
  config.text.max_words = 9;
  config.head = MeanPoolConfig{};
  const auto weights = folder_ / "out" / "model.safetensors";
  fs::rename(weights, folder_ / "aside");
  adopt_towers(config, {});  // does not need them
  EXPECT_EQ(config.text.vocabulary, (folder_ / "out" / "tokenizer.model").string());
  fs::rename(folder_ / "aside", weights);
  const auto model = make_model(config, tokenizer_->vocabulary_size());
  EXPECT_TRUE(torch::equal(model->named_parameters()["clip.visual.proj"], weights_.at("clip.visual.proj")));
}

TEST_F(DeploymentTest, ItsSettingsAndItsPageSayWhatGoesIn) {
  deploy("deploy", "out");
  const auto settings = json::parse(read_file(folder_ / "out" / "deploy.json"));
  EXPECT_EQ(settings.at("format"), "glint deploy 1");
  EXPECT_EQ(settings.at("picture").at("size"), 24);
  EXPECT_EQ(settings.at("picture").at("fit"), "crop");
  EXPECT_EQ(settings.at("video").at("num_frames"), 5);
  EXPECT_EQ(settings.at("text").at("file"), "tokenizer.model");
  EXPECT_EQ(settings.at("text").at("end_id"), tokenizer_->end_id());
  EXPECT_EQ(settings.at("temporal").at("name"), "none");
  EXPECT_EQ(settings.at("head").at("name"), "mean_pool");
  EXPECT_NEAR(settings.at("scores").at("logit_scale").get<double>(), 1 / 0.07, 1e-4);
  EXPECT_TRUE(settings.at("scores").at("logit_bias").is_null());
  const auto page = read_file(folder_ / "out" / "usage.md");
  EXPECT_THAT(page, HasSubstr("3 layers of width 64, patches of 8 in 24 x 24 pixels"));
  EXPECT_THAT(page, HasSubstr("def scores(texts, videos)"));
  const auto sums = read_file(folder_ / "out" / "SHA256SUMS");
  for (const auto* name :
       {"model.safetensors", "config.yaml", "state.json", "tokenizer.model", "deploy.json", "usage.md"}) {
    EXPECT_THAT(sums, HasSubstr(concat("  ", name, "\n")));
  }
}

TEST_F(DeploymentTest, TheArchiveOfTheTowersIsImportedAsItCame) {
  deploy("torchscript", "out");
  const auto imported = import_model(folder_ / "out" / "towers.pt");
  ASSERT_EQ(imported.weights.size(), weights_.size());
  for (const auto& [name, tensor] : weights_) EXPECT_TRUE(torch::equal(imported.weights.at(name), tensor)) << name;
  EXPECT_THAT(read_file(folder_ / "out" / "usage.md"), HasSubstr("torch.jit.load"));
}

TEST_F(DeploymentTest, WhatCannotBeWrittenIsSaid) {
  write_file(folder_ / "full" / "mine.txt", "mine");
  for (const auto* format : {"deploy", "torchscript", "glint"}) {
    EXPECT_THAT([&] { deploy(format, "full"); }, ThrowsMessage<Error>(HasSubstr("is there already")));
  }
  EXPECT_EQ(read_file(folder_ / "full" / "mine.txt"), "mine");
  config_.model.clustering.stages = "1-5";
  config_.model.clustering.clusters = 4;
  save();
  EXPECT_THAT([&] { deploy("torchscript", "out"); }, ThrowsMessage<Error>(HasSubstr("model.clustering")));
  deploy("deploy", "out");
  EXPECT_THAT(read_file(folder_ / "out" / "usage.md"), HasSubstr("which no other library does"));
}

}  // namespace
}  // namespace glint::test
