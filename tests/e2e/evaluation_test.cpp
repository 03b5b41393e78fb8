#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "e2e/program.h"
#include "e2e/small_run.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "support/environment.h"

// What an evaluation says is what was built and read.

namespace glint::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;
using Words = std::vector<std::string>;

class EvaluationTest : public testing::Test {
 protected:
  // A run of one step; `more` wins.
  fs::path train(const std::string& name, const Words& more = {}) {
    const auto run = folder_ / name;
    Words settings = {"train.max_steps=1"};
    settings.insert(settings.end(), more.begin(), more.end());
    const auto trained = run_program(small_training(run, settings));
    EXPECT_EQ(trained.exit_code, 0) << name << ": " << trained.err;
    return run;
  }

  // The metrics of `glint eval RUN words...`.
  static nlohmann::json evaluate(const fs::path& where, const Words& words) {
    Words command = {"eval", where.string(), "--json"};
    command.insert(command.end(), words.begin(), words.end());
    const auto result = run_program(command);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(result.out, nullptr, /*allow_exceptions=*/false);
  }

  static void expect_refused(const Words& command, const std::string& sentence) {
    const auto result = run_program(command);
    EXPECT_EQ(result.exit_code, 1) << result.out;
    EXPECT_THAT(result.err, HasSubstr(sentence));
  }

  TemporaryFolder folder_;
};

// Before, the mask that X-CLIP and GLCCL keep was read after its memory had gone.
TEST_F(EvaluationTest, BatchesAndBlocksChangeNoHeadsResult) {
  const std::vector<Words> heads = {{"head.name=mean_pool"},
                                    {"head.name=glscl"},
                                    {"head.name=glscl", "head.mask_local=true"},
                                    {"head.name=glccl"},
                                    {"head.name=glccl", "head.mask_words=true", "head.mask_frames=true"},
                                    {"head.name=xclip"},
                                    {"head.name=xclip", "head.mask_words=true"},
                                    {"head.name=xpool"},
                                    {"head.name=tight", "head.layers=1"}};
  for (std::size_t i = 0; i < heads.size(); ++i) {
    auto words = heads[i];
    words.insert(words.end(), {"data.val_split=", "optim.lr=0.1"});  // one step that tells the clips apart
    // The settings of another head than the file's stand in words alone.
    const auto run = train(concat("run_", i), words);
    const auto whole = evaluate(run, {});
    for (const Words& other : {Words{"eval.batch_size=1"}, Words{"eval.batch_size=7", "eval.block=3"}}) {
      const auto parts = evaluate(run, other);
      EXPECT_EQ(parts.at("t2v"), whole.at("t2v")) << heads[i].back() << " with " << other.front();
      EXPECT_EQ(parts.at("v2t"), whole.at("v2t")) << heads[i].back() << " with " << other.front();
    }
  }
}

TEST_F(EvaluationTest, WhatTheWeightsFixCannotBeOverridden) {
  const auto run = train("run").string();
  for (const std::string command : {"eval", "encode"}) {
    const auto with = [&](const std::string& word) {
      Words words = {command, run, word};
      if (command == "encode") words.insert(words.end(), {"--texts", "README.md", "--out", (folder_ / "f").string()});
      return words;
    };
    expect_refused(with("head.name=mean_pool"), "head.name=mean_pool: the weights of ");
    expect_refused(with("head.queries=4"), " fix it to 8; leave it out");
    expect_refused(with("model.towers.vision_layers=3"), "model.towers.vision_layers=3: the weights of ");
    expect_refused(with("video.image_size=64"), " fix it to 32");
    expect_refused(with("optim.lr=1"), "optim.lr=1: has no effect here, as it is for training alone");
  }
}

TEST_F(EvaluationTest, WhatIsFreeTakesEffectAndIsNamed) {
  const auto run = train("run", {"optim.lr=0.1"});
  const auto plain = evaluate(run, {}), changed = evaluate(run, {"head.query_weight=0"});
  EXPECT_NE(changed.at("t2v").dump() + changed.at("v2t").dump(), plain.at("t2v").dump() + plain.at("v2t").dump());
  EXPECT_NE(changed.at("config_hash"), plain.at("config_hash"));
  EXPECT_EQ(evaluate(run, {"head.queries=8"}).at("t2v"), plain.at("t2v"));  // what it is anyway
}

TEST_F(EvaluationTest, LengthsThatDoNotFitAreTheUsersMistake) {
  const auto run = train("run").string();
  expect_refused({"eval", run, "video.num_frames=60"}, "config.video.num_frames: 60 is more than the 48 positions");
  expect_refused({"eval", run, "text.max_words=60"}, "text.max_words");
  const auto xclip = train("xclip", {"head.name=xclip"}).string();
  expect_refused({"eval", xclip, "text.max_words=12"}, "text.max_words=12: the weights of ");
}

TEST_F(EvaluationTest, ACheckpointThatNothingSelectedSaysSo) {
  const auto run =
      train("run", {"train.max_steps=0", "train.validate_every=1", "optim.lr=1e-9", "optim.clip_lr=0", "train.keep=3"});
  const auto state = [&](const fs::path& folder) { return nlohmann::json::parse(read_file(folder / "state.json")); };
  int chosen = 0, others = 0;
  for (const auto& entry : fs::directory_iterator(run / "checkpoints")) {
    if (entry.is_symlink() || !fs::exists(entry.path() / "state.json")) continue;
    const bool is_best = state(entry.path()).at("step") == state(entry.path()).at("best_step");
    (is_best ? chosen : others) += 1;
    EXPECT_EQ(evaluate(entry.path(), {}).at("selected_on"), is_best ? "val" : "none") << entry.path();
  }
  EXPECT_EQ(chosen, 1);
  EXPECT_EQ(others, 1);

  fs::remove(run / "checkpoints" / "best");
  const auto last = run_program({"eval", run.string()});
  EXPECT_THAT(last.err, HasSubstr("its checkpoints/best is not there, so the last checkpoint is taken"));
}

// A copy of the demo set's manifest whose videos are the set's own; `change` has the last word on the rows.
template <class Change>
void copy_manifest(const fs::path& folder, const Change& change) {
  const auto set = small_demo_set();
  auto rows = nlohmann::json::parse(read_file(set / "manifest.json"));
  for (auto& row : rows) row["video"] = (set / row.at("video").get<std::string>()).string();
  change(rows);
  write_file(folder / "manifest.json", rows.dump());
}

TEST_F(EvaluationTest, AVideoThatCannotBeReadIsTreatedAsAMissingOne) {
  std::ofstream(folder_ / "broken.mp4") << "no video";
  copy_manifest(folder_.path(), [&](auto& rows) {
    rows.push_back(
        {{"video", (folder_ / "broken.mp4").string()}, {"id", "broken"}, {"caption", "a square"}, {"split", "test"}});
  });
  const auto run = folder_ / "run";
  const Words settings = {"data.root=" + folder_.path().string(), "train.max_steps=1", "data.val_split="};
  const auto failed = run_program(small_training(run, settings));
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_THAT(failed.err, HasSubstr("1 of 11 videos cannot be read, the first is broken: "));
  EXPECT_THAT(failed.err, HasSubstr("eval.on_missing=skip"));
  EXPECT_TRUE(fs::exists(run / "checkpoints" / "last"));  // the training is kept

  const auto skipped = evaluate(run, {"eval.on_missing=skip"});
  EXPECT_EQ(skipped.at("skipped"), 1);
  EXPECT_EQ(skipped.at("clips"), 10);
}

TEST_F(EvaluationTest, AResumedRunRefusesChangedTrainingData) {
  copy_manifest(folder_.path(), [](auto&) {});
  const auto run = folder_ / "run";
  Words settings = {"data.root=" + folder_.path().string(), "train.max_steps=1", "data.val_split=", "data.test_split="};
  ASSERT_EQ(run_program(small_training(run, settings)).exit_code, 0);
  settings[1] = "train.max_steps=2";
  copy_manifest(folder_.path(), [](auto& rows) {
    for (auto& row : rows) {
      if (row.at("split") == "train") {
        row.erase("captions");
        row["caption"] = "another caption";
        return;
      }
    }
  });
  const auto refused = run_program(small_training(run, settings));
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("its training data have changed (the captions"));
  copy_manifest(folder_.path(), [](auto&) {});
  EXPECT_EQ(run_program(small_training(run, settings)).exit_code, 0);
}

TEST_F(EvaluationTest, AManifestWithoutSplitsIsWarnedOfAndCanHoldVideosOut) {
  copy_manifest(folder_.path(), [](auto& rows) {
    for (auto& row : rows) row.erase("split");
  });
  Words settings = {"data.root=" + folder_.path().string(), "train.max_steps=1"};
  const auto all = run_program(small_training(folder_ / "all", settings));
  EXPECT_EQ(all.exit_code, 0) << all.err;
  EXPECT_THAT(all.err, HasSubstr("65 of 65 validation clips are training clips too"));
  EXPECT_THAT(all.err, HasSubstr("65 of 65 test clips are training clips too"));
  EXPECT_THAT(all.err, HasSubstr("data.holdout=0.1"));

  settings.push_back("data.holdout=0.2");
  const auto some = run_program(small_training(folder_ / "some", settings));
  EXPECT_EQ(some.exit_code, 0) << some.err;
  EXPECT_THAT(some.err, Not(HasSubstr("training clips too")));
  const auto results = nlohmann::json::parse(read_file(folder_ / "some" / "results.json"));
  EXPECT_LT(results.at("clips"), 30);
  EXPECT_THAT(results.at("protocol").get<std::string>(), HasSubstr("holdout 0.2"));
}

TEST_F(EvaluationTest, ASettingThatContradictsTheWeightsIsRefusedWithBothValues) {
  const auto start = train("start").string();
  const auto with = [&](const Words& more) {
    Words words =
        small_training(folder_ / "next", {"model.start=openai", "model.weights=" + start, "train.max_steps=1"});
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  expect_refused(with({"text.tokenizer=clip"}),
                 "text.tokenizer is clip, and " + start + " is for sentencepiece; set text.tokenizer=sentencepiece");
  expect_refused(with({"video.image_size=64"}), "video.image_size is 64");
  const auto trained = run_program(with({"head.name=mean_pool"}));
  EXPECT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_THAT(trained.err, HasSubstr("weights from " + start +
                                     ": towers (1 image and 1 text layers, 32 pixels, "
                                     "tokenizer sentencepiece), temporal encoder"));
}

// As the README's recipe for own videos once trained CLIP's token table with a small sentencepiece model.
TEST_F(EvaluationTest, ClipsTokenTableIsNotTrainedWithAnotherTokenizer) {
  const auto clip = train("clip", {"text.tokenizer=clip"}).string();
  expect_refused(small_training(folder_ / "next", {"model.start=openai", "model.weights=" + clip, "train.max_steps=1"}),
                 "knows 49408 tokens, and the tokenizer 'sentencepiece' gives");
}

TEST_F(EvaluationTest, ARunKeepsTheRankOfEveryQueryAndCanBeCompared) {
  const auto run = train("run"), other = train("other", {"head.name=mean_pool"});
  const auto results = nlohmann::json::parse(read_file(run / "eval" / "test" / "results.json"));
  EXPECT_THAT(
      results.at("signature").get<std::string>(),
      testing::MatchesRegex(
          "manifest:manifest\\.json\\|q:10\\|g:10\\|ids:[0-9a-f]{8}\\|cap:first\\|truth:own\\|ties:average\\|post:none"
          "\\|T:12\\|fps:\\?\\|glint:.*"));
  for (const char* metric : {"R@50", "RSum", "MRR", "nDCG@10", "ties"}) EXPECT_TRUE(results.at("t2v").contains(metric));
  for (const char* file : {"ranks.safetensors", "queries.jsonl", "gallery.jsonl"}) {
    EXPECT_TRUE(fs::exists(run / "eval" / "test" / file)) << file;
  }
  const auto table = run_program({"eval", run.string(), "--worst", "2"});
  EXPECT_THAT(table.out, HasSubstr(results.at("signature").get<std::string>()));
  EXPECT_THAT(table.out, HasSubstr("\n  right: "));

  fs::copy(run / "eval" / "test", folder_ / "copy");
  const auto same = run_program({"compare", run.string(), (folder_ / "copy").string(), "--json"});
  ASSERT_EQ(same.exit_code, 0) << same.err;
  const auto metrics = nlohmann::json::parse(same.out).at("metrics");
  EXPECT_EQ(metrics.at("t2v/R@1").at("difference"), 0);
  EXPECT_EQ(metrics.at("t2v/R@1").at("p"), 1);
  const auto compared = run_program({"compare", run.string(), other.string()});
  EXPECT_EQ(compared.exit_code, 0) << compared.err;
  EXPECT_THAT(compared.out, HasSubstr("R@1"));

  evaluate(run, {"eval.split=val"});
  EXPECT_TRUE(fs::exists(run / "eval" / "val" / "ranks.safetensors"));
}

TEST_F(EvaluationTest, PostProcessingStandsBesideTheRawNumbers) {
  const auto run = train("run", {"optim.lr=0.1"});
  const auto plain = evaluate(run, {});
  for (const std::string method : {"dsl", "dsl_shared", "is", "qb_norm", "sinkhorn", "csls"}) {
    const auto processed = evaluate(run, {"eval.postprocess=" + method});
    EXPECT_EQ(processed.at("raw").at("t2v"), plain.at("t2v")) << method;
    EXPECT_EQ(processed.at("raw").at("v2t"), plain.at("v2t")) << method;
    EXPECT_THAT(processed.at("signature").get<std::string>(), HasSubstr("|post:" + method)) << method;
  }
  expect_refused({"eval", run.string(), "eval.postprocess=nnn"},
                 "averages the 128 largest scores");  // 10 queries, and it wants 128
  EXPECT_EQ(nlohmann::json::parse(read_file(run / "eval" / "test" / "results.json")).at("postprocess"), "none");
}

TEST_F(EvaluationTest, ARecipeOfTrainedTowersWithoutWeightsIsRefused) {
  expect_refused({"train", "configs/glccl/msrvtt.yaml", "--dry-run"},
                 "model.weights is empty, and optim.clip_lr=1e-07");
}

}  // namespace
}  // namespace glint::test
