#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "e2e/program.h"
#include "e2e/small_run.h"
#include "e2e/small_video.h"
#include "glint/core/atomic_file.h"
#include "glint/io/safetensors.h"
#include "support/environment.h"

// glint import, export, encode, average, and evaluation without training, as a user runs them.

namespace glint::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

class WeightsTest : public testing::Test {
 protected:
  ProgramResult run(const std::vector<std::string>& words) { return run_program(words); }
  std::string in(const std::string& name) const { return (folder_ / name).string(); }

  // A run of two epochs that keeps every checkpoint.
  std::string trained(const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"train.keep=9", "train.validate_every=0", "data.test_split="};
    words.insert(words.end(), more.begin(), more.end());
    const auto result = run(small_training(folder_ / "run", words));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return in("run");
  }

  const TemporaryFolder folder_;
};

TEST_F(WeightsTest, AnExportComesBackAsTheSameModel) {
  const auto run_dir = trained();
  for (const std::string format : {"reference", "huggingface", "open_clip", "glint"}) {
    const auto exported = run({"export", run_dir, in(format), "--format", format});
    ASSERT_EQ(exported.exit_code, 0) << exported.err;
  }
  const auto imported = run({"import", in("reference") + "/model.pt", in("back"), "--as", "glscl"});
  ASSERT_EQ(imported.exit_code, 0) << imported.err;
  EXPECT_THAT(imported.err, HasSubstr("a checkpoint of glscl"));
  const auto again = run({"export", in("back"), in("again")});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  const auto same = run_shell("cmp " + in("reference") + "/model.safetensors " + in("again") + "/model.safetensors");
  EXPECT_EQ(same.exit_code, 0) << same.out;

  const auto list = run({"import", "--list", "--json", in("huggingface")});
  ASSERT_EQ(list.exit_code, 0) << list.err;
  const auto json = Json::parse(list.out);
  EXPECT_EQ(json.at("kind"), "safetensors");
  EXPECT_THAT(json.at("verdict"), HasSubstr("CLIP under Hugging Face's names, 1 + 1 layers"));
  EXPECT_GT(json.at("tensors").size(), 30u);

  EXPECT_THAT(run({"import", in("huggingface"), in("back")}).err, HasSubstr("is there already"));
  EXPECT_THAT(run({"import", in("huggingface"), in("no"), "--as", "xclip"}).err, HasSubstr("holds clip, not xclip"));
  EXPECT_THAT(run({"import", in("huggingface")}).err, HasSubstr("wants OUT"));
}

TEST_F(WeightsTest, HeadsThatNothingDescribesAreWarnedOfAndTheCheckpointKeepsThat) {
  ASSERT_EQ(run({"export", trained(), in("reference")}).exit_code, 0);
  fs::rename(in("reference") + "/model.pt", in("alone.pt"));  // without the description beside it
  const auto assumed = run({"import", in("alone.pt"), in("assumed"), "--activation", "quick_gelu"});
  ASSERT_EQ(assumed.exit_code, 0) << assumed.err;
  const auto sentence = "heads of 64 columns, 2 in the image tower and 2 in the text tower (--heads)";
  EXPECT_THAT(assumed.err, AllOf(HasSubstr("warning: " + in("alone.pt")), HasSubstr(sentence)));
  EXPECT_THAT(Json::parse(read_file(in("assumed") + "/state.json")).at("assumed"), HasSubstr(sentence));
  EXPECT_THAT(run({"import", "--list", in("alone.pt")}).out, HasSubstr(sentence));
  const auto started = run(small_training(
      folder_ / "more", {"model.weights=" + in("assumed"), "head.name=mean_pool", "model.start=openai",
                         "model.temporal=none", "text.vocabulary=" + in("run") + "/checkpoints/last/tokenizer.model",
                         "train.max_steps=1", "train.validate_every=0", "data.test_split="}));
  EXPECT_EQ(started.exit_code, 0) << started.err;
  EXPECT_THAT(started.err, AllOf(HasSubstr(in("assumed") + ": when it was imported"), HasSubstr(sentence)));

  const auto told = run({"import", in("alone.pt"), in("told"), "--activation", "quick_gelu", "--heads", "4,2"});
  ASSERT_EQ(told.exit_code, 0) << told.err;
  EXPECT_THAT(told.err, testing::Not(HasSubstr("assumed")));
  EXPECT_THAT(read_file(in("told") + "/config.yaml"), AllOf(HasSubstr("vision_heads: 4"), HasSubstr("text_heads: 2")));
  const auto refused = run({"import", in("alone.pt"), in("no"), "--heads", "5"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("5 heads do not divide the image tower's 128 columns"));
  EXPECT_FALSE(fs::exists(in("no")));
}

TEST_F(WeightsTest, AnExportIsNeverMixedWithWhatIsThere) {
  const auto run_dir = trained();
  ASSERT_EQ(run({"export", run_dir, in("full")}).exit_code, 0);
  const auto before = read_file(in("full") + "/config.json");
  for (const std::string format : {"reference", "huggingface", "open_clip", "torchscript", "deploy", "glint"}) {
    const auto result = run({"export", run_dir, in("full"), "--format", format});
    EXPECT_EQ(result.exit_code, 1) << format;
    EXPECT_THAT(result.err, HasSubstr(in("full") + ": is there already and not empty; name a new or empty folder"));
    const auto file = run({"export", run_dir, in("full") + "/config.json", "--format", format});
    EXPECT_THAT(file.err, HasSubstr("config.json: is there already; name a new or empty folder"));
    fs::create_directory(in(format));
    EXPECT_EQ(run({"export", run_dir, in(format), "--format", format}).exit_code, 0) << format;
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(in("full")), fs::directory_iterator()), 4);
  EXPECT_EQ(read_file(in("full") + "/config.json"), before);
}

TEST_F(WeightsTest, WeightsThatAreNotImportedYetAreToldOfAndHow) {
  const auto run_dir = trained();
  ASSERT_EQ(run({"export", run_dir, in("hf"), "--format", "huggingface"}).exit_code, 0);
  ASSERT_EQ(run({"export", run_dir, in("oc"), "--format", "open_clip"}).exit_code, 0);
  const auto refusal = [&](const std::string& weights) {
    const auto result = run(small_training(folder_ / "more", {"model.weights=" + weights, "model.start=openai"}));
    EXPECT_EQ(result.exit_code, 1);
    return result.err;
  };
  const auto first = [&](const std::string& what) { return "first: glint import " + what + " NAME"; };
  EXPECT_THAT(refusal(in("hf")), AllOf(HasSubstr(in("hf") + ": is a Hugging Face folder"), HasSubstr(first(in("hf")))));
  EXPECT_THAT(refusal(in("oc")), AllOf(HasSubstr("is an open_clip folder"), HasSubstr(first(in("oc")))));
  EXPECT_THAT(run({"eval", in("hf")}).err, HasSubstr(first(in("hf"))));
  const auto file = in("hf") + "/model.safetensors";
  EXPECT_THAT(refusal(file), AllOf(HasSubstr("holds no towers under OpenAI's names"), HasSubstr(first(file))));
  EXPECT_THAT(refusal(run_dir + "/checkpoints/last/model.safetensors"), HasSubstr("name its folder"));
  const std::string hub = "openai/clip-vit-base-patch32";
  const auto fetch = HasSubstr("glint downloads nothing: for a model of Hugging Face, hf download " + hub +
                               " --local-dir clip-vit-base-patch32");
  EXPECT_THAT(refusal(hub), AllOf(HasSubstr(hub + " is not there"), fetch));
  EXPECT_THAT(run({"import", hub, in("no")}).err, AllOf(HasSubstr(hub + ": is not there"), fetch));
  EXPECT_THAT(run({"import", in("gone.pt"), in("no")}).err, testing::Not(HasSubstr("downloads")));
}

TEST_F(WeightsTest, ImportedTowersAreEvaluatedWithoutTrainingAndTrainedFurther) {
  const auto run_dir = trained();
  ASSERT_EQ(run({"export", run_dir, in("hf"), "--format", "huggingface"}).exit_code, 0);
  ASSERT_EQ(run({"import", in("hf"), in("towers")}).exit_code, 0);
  auto words = small_training(
      folder_ / "more", {"model.weights=" + in("towers"), "head.name=mean_pool", "model.start=openai",
                         "model.temporal=none", "text.vocabulary=" + run_dir + "/checkpoints/last/tokenizer.model",
                         "train.max_steps=2", "train.validate_every=0", "data.test_split="});
  const auto further = run(words);
  EXPECT_EQ(further.exit_code, 0) << further.err;
  // A run is a start too: with its tokenizer, and with its head or without.
  for (const std::string head : {"glscl", "mean_pool"}) {
    const auto from_run = run(small_training(folder_ / ("from_run_" + head),
                                             {"model.weights=" + run_dir, "head.name=" + head, "train.max_steps=1",
                                              "train.validate_every=0", "data.test_split="}));
    EXPECT_EQ(from_run.exit_code, 0) << from_run.err;
  }

  std::ofstream(folder_ / "zero_shot.yaml")
      << "data:\n  root: " << small_demo_set().string()
      << "\n  annotations: manifest.json\nvideo: {image_size: 32, sampling: uniform_3fps}\n"
      << "text: {tokenizer: sentencepiece, vocabulary: " << run_dir
      << "/checkpoints/last/tokenizer.model, max_words: 48}\n"
      << "model: {weights: " << in("towers") << ", temporal: none}\nhead: {name: mean_pool}\n";
  const auto zero_shot = run({"eval", in("zero_shot.yaml"), "--json"});
  ASSERT_EQ(zero_shot.exit_code, 0) << zero_shot.err;
  const auto json = Json::parse(zero_shot.out);
  EXPECT_EQ(json.at("head"), "mean_pool");
  EXPECT_EQ(json.at("selected_on"), "none");
  EXPECT_GT(json.at("queries").get<int>(), 0);

  const auto nothing = run({"eval", in("zero_shot.yaml"), "model.weights="});
  EXPECT_EQ(nothing.exit_code, 1);
  EXPECT_THAT(nothing.err, HasSubstr("names no model.weights"));
}

TEST_F(WeightsTest, FeaturesAreWrittenWithWhatWasSkippedAndAStoppedRunGoesOn) {
  const auto run_dir = trained();
  fs::create_directories(folder_ / "videos");
  small_video(folder_ / "videos" / "good.mp4");
  std::ofstream(folder_ / "videos" / "bad.mp4") << "no video";
  std::ofstream(folder_ / "texts.txt") << "a red circle\n\na blue square moves left\r\n";
  const std::vector<std::string> words = {"encode",   run_dir,      "--texts", in("texts.txt"),
                                          "--videos", in("videos"), "--out",   in("features.safetensors"),
                                          "--json"};
  const auto result = run(words);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = Json::parse(result.out);
  EXPECT_EQ(json.at("texts"), 2);
  EXPECT_EQ(json.at("videos"), 1);
  EXPECT_EQ(json.at("skipped"), 1);
  EXPECT_THAT(result.err, HasSubstr("bad.mp4: left out: "));
  EXPECT_FALSE(fs::exists(in("features.safetensors") + ".parts"));
  const auto list = Json::parse(run({"import", "--list", "--json", in("features.safetensors")}).out);
  std::map<std::string, Json> shapes;
  for (const auto& tensor : list.at("tensors")) shapes[tensor.at("name")] = tensor.at("shape");
  EXPECT_EQ(shapes.at("text.sentence"), Json({2, 128}));
  EXPECT_EQ(shapes.at("text.words"), Json({2, 48, 128}));
  EXPECT_EQ(shapes.at("video.frames"), Json({1, 12, 128}));
  EXPECT_EQ(shapes.at("video.mask"), Json({1, 12}));

  std::ofstream(folder_ / "videos" / "good.mp4") << "gone";
  const auto none = run(words);
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.err, HasSubstr("none of 2 videos can be read"));
  EXPECT_THAT(run({"encode", run_dir, "data.test_split=", "--out", in("x")}).err,
              HasSubstr("which split is to be encoded?"));
  EXPECT_THAT(run({"encode", run_dir, "--texts", in("gone.txt"), "--out", in("x")}).err, HasSubstr("gone.txt"));
}

TEST_F(WeightsTest, ADeployedFolderGivesTheSameFeaturesWhereverItLies) {
  const auto run_dir = trained();
  fs::create_directories(folder_ / "videos");
  small_video(folder_ / "videos" / "good.mp4");
  std::ofstream(folder_ / "texts.txt") << "a red circle\na blue square moves left\n";
  const auto features = [&](const std::string& checkpoint) {
    const auto out = in("features.safetensors");
    const auto result = run({"encode", checkpoint, "--texts", in("texts.txt"), "--videos", in("videos"), "--out", out});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_safetensors(out).tensors;
  };
  const auto want = features(run_dir);
  const auto exported = run({"export", run_dir, in("deployed"), "--format", "deploy"});
  ASSERT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_THAT(exported.out, HasSubstr("usage.md"));
  fs::rename(in("deployed"), in("moved"));
  fs::remove_all(run_dir);
  const auto got = features(in("moved"));
  ASSERT_EQ(got.size(), want.size());
  for (const auto& [name, tensor] : want) EXPECT_TRUE(torch::equal(got.at(name), tensor)) << name;

  const auto sums = run_shell("cd " + in("moved") + " && sha256sum --quiet -c SHA256SUMS");
  EXPECT_EQ(sums.exit_code, 0) << sums.out;
  const auto root = "data.root=" + small_demo_set().string();
  const auto evaluated = run({"eval", in("moved"), root, "data.annotations=manifest.json", "--json"});
  EXPECT_EQ(evaluated.exit_code, 0) << evaluated.err;
  const auto further =
      run(small_training(folder_ / "more", {"model.weights=" + in("moved"), "model.start=openai", "train.max_steps=1",
                                            "train.validate_every=0", "data.test_split="}));
  EXPECT_EQ(further.exit_code, 0) << further.err;
  EXPECT_THAT(run({"export", in("moved"), in("videos"), "--format", "deploy"}).err, HasSubstr("is there already"));
}

TEST_F(WeightsTest, WhatIsExportedAndEncodedIsTheMovingAverageThatIsEvaluated) {
  const auto run_dir = trained({"train.ema=0.9", "train.max_steps=6"});
  std::ofstream(folder_ / "texts.txt") << "a red circle\n";
  const auto sentence = [&](std::vector<std::string> words) {
    const auto out = in("features.safetensors");
    words.insert(words.begin(), "encode");
    words.insert(words.end(), {"--texts", in("texts.txt"), "--out", out});
    const auto result = run(words);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_safetensors(out).tensors.at("text.sentence");
  };
  const auto exported = run({"export", run_dir, in("averaged"), "--format", "glint"});
  EXPECT_THAT(exported.err, HasSubstr("the weights are their moving average"));
  ASSERT_EQ(run({"export", run_dir, in("plain"), "--format", "glint", "--plain-weights"}).exit_code, 0);
  const auto averaged = sentence({run_dir}), plain = sentence({run_dir, "eval.ema=false"});
  EXPECT_FALSE(torch::equal(averaged, plain));
  EXPECT_TRUE(torch::equal(averaged, sentence({in("averaged")})));
  EXPECT_TRUE(torch::equal(plain, sentence({in("plain")})));
}

TEST_F(WeightsTest, TheMeanOfCheckpointsIsACheckpoint) {
  const auto run_dir = trained();
  const auto result = run({"average", in("mean"), run_dir});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("the mean of 2 checkpoints"));
  const auto evaluated = run({"eval", in("mean"), "data.test_split=test", "--json"});
  EXPECT_EQ(evaluated.exit_code, 0) << evaluated.err;
  EXPECT_THAT(run({"average", in("mean"), run_dir}).err, HasSubstr("is there already"));
  EXPECT_THAT(run({"average", in("mean2"), in("mean")}).err, HasSubstr("not two checkpoints"));
}

}  // namespace
}  // namespace glint::test
