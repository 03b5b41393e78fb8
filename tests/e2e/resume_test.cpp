#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "e2e/program.h"
#include "e2e/small_run.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "support/environment.h"

// What may change when a run goes on, and when it validates.
namespace glint::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::SizeIs;

class ResumeTest : public testing::Test {
 protected:
  std::string run() const { return (folder_ / "run").string(); }
  // A run of so many epochs of 6 steps, with nothing to test.
  void train(const std::string& name, std::vector<std::string> more) const {
    more.push_back("data.test_split=");
    const auto trained = run_program(small_training(folder_ / name, more));
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
  }
  void expect_refused(const std::vector<std::string>& words, const std::string& sentence) const {
    const auto refused = run_program(words);
    EXPECT_EQ(refused.exit_code, 1) << sentence;
    EXPECT_THAT(refused.err, HasSubstr(sentence));
  }
  std::string weights(const std::string& name) const {
    return read_file(folder_ / name / "checkpoints/last/model.safetensors");
  }
  nlohmann::json state(const std::string& name, const char* checkpoint = "last") const {
    return nlohmann::json::parse(read_file(folder_ / name / "checkpoints" / checkpoint / "state.json"));
  }
  // The validations of a run's metrics.jsonl.
  std::vector<nlohmann::json> validations(const std::string& name) const {
    std::vector<nlohmann::json> lines;
    std::ifstream in(folder_ / name / "metrics.jsonl");
    for (std::string line; std::getline(in, line);) {
      auto json = nlohmann::json::parse(line);
      if (json.contains("split")) lines.push_back(std::move(json));
    }
    return lines;
  }
  std::vector<double> column(const std::string& name, const std::string& key) const {
    std::vector<double> values;
    for (const auto& line : validations(name)) values.push_back(line.at(key).get<double>());
    return values;
  }

  TemporaryFolder folder_;
};

TEST_F(ResumeTest, ARunThatEndedIsGivenMoreEpochsWhereverItLies) {
  train("run", {});
  fs::rename(folder_ / "run", folder_ / "moved");
  fs::copy(folder_ / "moved", folder_ / "killed", fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  const auto words = [&](const char* name) {
    return std::vector<std::string>{"train", (folder_ / name).string(), "train.epochs=4", "train.save_every=2"};
  };
  const auto grown = run_program(words("moved"));
  ASSERT_EQ(grown.exit_code, 0) << grown.err;
  EXPECT_THAT(grown.err, HasSubstr("train.epochs is 4 now and was 2; from here the learning rate follows the schedule "
                                   "of all 24 steps: it goes from 0 to 0.0005"));
  EXPECT_THAT(logged(folder_ / "moved", "loss"), SizeIs(24));
  EXPECT_FALSE(fs::exists(folder_ / "run"));

  Program killed(words("killed"));
  while (killed.running() && logged(folder_ / "killed", "loss").size() < 15) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  killed.send(SIGKILL);
  ASSERT_EQ(killed.wait().exit_code, 128 + SIGKILL);
  const auto resumed = run_program(words("killed"));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  for (const char* key : {"loss", "lr"}) EXPECT_EQ(logged(folder_ / "killed", key), logged(folder_ / "moved", key));
  EXPECT_EQ(weights("killed"), weights("moved"));
  EXPECT_EQ(state("killed").at("best_step"), state("moved").at("best_step"));
}

TEST_F(ResumeTest, FewerEpochsThanAreDoneAreRefusedAndTheRunStaysAsItWas) {
  train("run", {"data.val_split=", "train.max_steps=9"});
  const auto before = read_file(folder_ / "run/config.yaml");
  expect_refused({"train", run(), "train.epochs=1"},
                 concat("train.epochs is 1 now, and the run in ", run(),
                        " has done 1.5; set it to 2 or more, or choose another run.dir"));
  EXPECT_EQ(read_file(folder_ / "run/config.yaml"), before);
}

TEST_F(ResumeTest, AFolderThatIsNoRunIsRefusedWithWhatToDo) {
  train("run", {"data.val_split=", "train.max_steps=1"});
  const auto checkpoint = run() + "/checkpoints/last";
  expect_refused({"train", checkpoint}, checkpoint + ": is a checkpoint; glint train goes on with the run folder");
  expect_refused({"train", folder_.path().string()}, "is a folder without config.yaml; glint train takes");
  expect_refused({"train", run(), "run.dir=elsewhere"}, "run.dir=elsewhere: glint train " + run() + " goes on in that");
  expect_refused({"train", run(), "model.weights=x"}, "model.weights=x: the run in " + run() + " goes on from its own");
  expect_refused({"train", run(), "optim.lr=0.5"}, "optim.lr is 0.001 there and 0.5 now");
}

TEST_F(ResumeTest, ARunThatPatienceEndedSaysSo) {
  train("run", {"optim.lr=1e-30", "optim.clip_lr=0", "train.patience=1", "train.epochs=5", "train.validate_every=1"});
  EXPECT_THAT(logged(folder_ / "run", "loss"), SizeIs(12));
  const auto again = run_program({"train", run(), "train.epochs=6"});
  EXPECT_THAT(again.err, HasSubstr("train.patience=1 has ended this run after step 12; set it higher, or to 0"));
  const auto further = run_program({"train", run(), "train.epochs=3", "train.patience=0"});
  ASSERT_EQ(further.exit_code, 0) << further.err;
  EXPECT_THAT(logged(folder_ / "run", "loss"), SizeIs(18));
}

TEST_F(ResumeTest, AnotherRunsBestCheckpointIsAStartThatNeedsNoOtherSetting) {
  train("run", {});
  train("second", {"model.weights=" + run(), "train.max_steps=1"});
  EXPECT_EQ(state("run", "best").at("step"), state("run").at("best_step"));
  EXPECT_THAT(read_file(folder_ / "second/log.txt"),
              HasSubstr("weights from " + run() +
                        ": towers (1 image and 1 text layers, 32 pixels, tokenizer "
                        "sentencepiece), temporal encoder, head\n"));
  // The first step's rate is 0.
  EXPECT_EQ(weights("second"), read_file(folder_ / "run/checkpoints/best/model.safetensors"));
  expect_refused(small_training(folder_ / "third", {"model.weights=" + run(), "head.decoder_layers=2", "head.queries=7",
                                                    "model.towers.text_layers=2"}),
                 concat("model.towers.text_layers is 2, and ", run(),
                        " is for 1; head.queries is 7, and it is for 8; head.decoder_layers is 2, and it is for 1; set "
                        "model.towers.text_layers=1 head.queries=8 head.decoder_layers=1"));
}

TEST_F(ResumeTest, AFractionOfAnEpochIsValidatedAtTheSameStepsWhereverTheRunBreaks) {
  const std::vector<std::string> words = {"train.validate_every=0.5", "train.select=RSum", "optim.lr=0.01"};
  train("whole", words);
  EXPECT_THAT(column("whole", "step"), testing::ElementsAre(3, 6, 9, 12));
  EXPECT_THAT(column("whole", "epoch"), testing::ElementsAre(0.5, 1, 1.5, 2));
  for (const char* stop : {"4", "9"}) {  // between two validations, and after one
    const auto name = concat("broken_", stop);
    auto first = words;
    first.push_back(concat("train.max_steps=", stop));
    train(name, first);
    train(name, words);
    EXPECT_EQ(validations(name), validations("whole")) << stop;
    for (const char* key : {"best_step", "best_score", "best_metric"}) {
      EXPECT_EQ(state(name).at(key), state("whole").at(key)) << stop;
    }
    EXPECT_EQ(weights(name), weights("whole")) << stop;
  }
}

TEST_F(ResumeTest, TheCheckpointIsChosenByTheMetricThatIsAskedFor) {
  for (const std::string metric : {"RSum", "v2t/MnR", "t2v/MRR"}) {
    SCOPED_TRACE(metric);
    const auto name = metric.substr(metric.find('/') + 1);
    train(name, {"train.validate_every=0.5", "train.select=" + metric, "optim.lr=0.01"});
    const auto scores = column(name, metric), steps = column(name, "step");
    const auto best = metric == "v2t/MnR" ? std::min_element(scores.begin(), scores.end())
                                          : std::max_element(scores.begin(), scores.end());
    EXPECT_EQ(state(name).at("best_metric"), metric);
    EXPECT_EQ(state(name).at("best_step"), steps[static_cast<std::size_t>(best - scores.begin())]);
    EXPECT_NEAR(state(name).at("best_score").get<double>(), *best, 1e-9);
    EXPECT_EQ(state(name, "best").at("step"), state(name).at("best_step"));
  }
  expect_refused(small_training(folder_ / "RSum", {"train.validate_every=0.5", "optim.lr=0.01", "data.test_split="}),
                 "train.select is RSum there and \"t2v/R@1\" now");
}

TEST_F(ResumeTest, ResultsNameTheMetricThatChoseTheirCheckpoint) {
  const auto trained = run_program(small_training(folder_ / "run", {"train.select=v2t/R@5"}));
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_THAT(trained.err, HasSubstr(", selected on val by v2t/R@5 "));
}

TEST_F(ResumeTest, ValidationsThatWouldFallIntoOneStepAreRefused) {
  expect_refused(small_training(folder_ / "run", {"train.validate_every=0.1"}),
                 "train.validate_every is 0.1, less than a step of the 6 an epoch has; set it to 0.1667 or more");
  expect_refused(small_training(folder_ / "run", {"train.select=t2v/R@2"}), "no such choice 't2v/R@2'; there are RSum");
}

}  // namespace
}  // namespace glint::test
