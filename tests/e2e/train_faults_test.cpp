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
#include "glint/core/random.h"
#include "support/environment.h"
#include "support/python.h"

namespace glint::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::SizeIs;

class TrainFaultsTest : public testing::Test {
 protected:
  // Starts a training and waits until `lines` of its steps are logged.
  void wait_for_steps(Program& program, const fs::path& run_dir, std::size_t steps) {
    while (program.running() && logged(run_dir, "loss").size() < steps) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    ASSERT_TRUE(program.running()) << program.err();
  }
  TemporaryFolder folder_;
};

TEST_F(TrainFaultsTest, ARunKilledAtAnyStepGivesTheLossesOfAnUnbrokenOne) {
  const std::vector<std::string> settings = {"train.save_every=2", "data.test_split="};
  ASSERT_EQ(run_program(small_training(folder_ / "whole", settings)).exit_code, 0);
  Random random({static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count())});
  {
    Program broken(small_training(folder_ / "broken", settings));
    const auto step = 1 + random.below(9);
    RecordProperty("killed_after_step", static_cast<int>(step));
    wait_for_steps(broken, folder_ / "broken", step);
    broken.send(SIGKILL);
    EXPECT_EQ(broken.wait().exit_code, 128 + SIGKILL);
  }
  const auto resumed = run_program(small_training(folder_ / "broken", settings));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  for (const char* key : {"loss", "nce", "icl", "grad_norm", "lr", "logit_scale"}) {
    EXPECT_EQ(logged(folder_ / "broken", key), logged(folder_ / "whole", key)) << key;
  }
  EXPECT_EQ(read_file(folder_ / "broken/checkpoints/last/model.safetensors"),
            read_file(folder_ / "whole/checkpoints/last/model.safetensors"));
}

TEST_F(TrainFaultsTest, CtrlCSavesAndTheSameCommandGoesOn) {
  const auto run = folder_ / "run";
  const auto words = small_training(run, {"train.epochs=3"});
  {
    Program program(words);
    wait_for_steps(program, run, 3);
    program.send(SIGINT);
    const auto stopped = program.wait();
    EXPECT_EQ(stopped.exit_code, 128 + SIGINT) << stopped.err;
    EXPECT_THAT(stopped.err, HasSubstr("the same command goes on from there"));
  }
  const auto resumed = run_program(words);
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("going on from"));
  EXPECT_THAT(logged(run, "loss"), SizeIs(18));
  const auto again = run_program(words);
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.err, HasSubstr("nothing is left to train"));
  EXPECT_EQ(again.out, resumed.out);
}

TEST_F(TrainFaultsTest, ASecondTrainingInTheSameFolderIsRefusedAndTheFirstGoesOn) {
  const auto run = folder_ / "run";
  const auto words = small_training(run, {"train.epochs=10000", "data.val_split=", "data.test_split="});
  Program first(words);
  wait_for_steps(first, run, 1);
  const auto second = run_program(words);
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_EQ(second.err, "error: " + run.string() +
                            ": another glint train works in this folder; let it end or set another run.dir\n");
  wait_for_steps(first, run, logged(run, "loss").size() + 1);
  first.send(SIGINT);
  EXPECT_EQ(first.wait().exit_code, 128 + SIGINT);
}

TEST_F(TrainFaultsTest, ADamagedCheckpointIsRefusedAndTheOneBeforeTakesItsPlace) {
  const auto run = folder_ / "run";
  const std::vector<std::string> settings = {"train.save_every=2", "train.max_steps=4",
                                             "data.val_split=", "data.test_split="};
  ASSERT_EQ(run_program(small_training(run, settings)).exit_code, 0);
  const auto model = run / "checkpoints/step_000004/model.safetensors";
  fs::resize_file(model, fs::file_size(model) / 2);
  const auto evaluated = run_program({"eval", (run / "checkpoints/step_000004").string()});
  EXPECT_EQ(evaluated.exit_code, 1);
  EXPECT_THAT(evaluated.err, HasSubstr("model.safetensors: does not match its checksum"));
  const auto resumed = run_program(small_training(run, settings));
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("step_000002, step 2"));
  EXPECT_EQ(run_program({"eval", (run / "checkpoints/step_000004").string(), "data.test_split=test"}).exit_code, 0);
}

TEST_F(TrainFaultsTest, AFullDiskAtSaveIsOneSentenceAndLosesNothing) {
  const auto run = folder_ / "run";
  const std::vector<std::string> settings = {"train.save_every=2", "train.max_steps=4",
                                             "data.val_split=", "data.test_split="};
  auto first = settings;
  first[1] = "train.max_steps=2";
  ASSERT_EQ(run_program(small_training(run, first)).exit_code, 0);
  const auto before = read_file(run / "checkpoints/last/model.safetensors");

  // A limit on the size of files stands for a full disk: write() fails in the same way. It is below the model's size
  // and above that of the log files.
  auto words = small_training(run, settings);
  std::string command = "ulimit -f 100; exec \"$GLINT_PROGRAM\"";
  for (const auto& word : words) command += " '" + word + "'";
  const auto full = run_shell(command);
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_THAT(full.err, HasSubstr("the file cannot be written"));
  EXPECT_EQ(read_file(run / "checkpoints/last/model.safetensors"), before);
  EXPECT_EQ(run_program(words).exit_code, 0);
  EXPECT_THAT(logged(run, "loss"), SizeIs(4));
}

TEST_F(TrainFaultsTest, ALossThatIsNoNumberEndsTheRunAndEarlierCheckpointsStay) {
  const auto run = folder_ / "run";
  const std::vector<std::string> diverging = {"optim.lr=1e30", "optim.grad_clip=0",
                                              "data.val_split=", "data.test_split="};
  auto saving = diverging;
  saving.push_back("train.save_every=1");
  saving.push_back("train.bad_steps=4");
  // The first step's rate is 0, the second ruins the weights; the epoch ends with step 6.
  const auto result = run_program(small_training(run, saving));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("warning: step 5: the loss is nan and its gradient's norm nan, with the clips "));
  EXPECT_THAT(result.err,
              HasSubstr(" and 3 more: the training has diverged (4 such steps in a row, train.bad_steps); the "
                        "checkpoint of step 2 stays as it is; start again in another run.dir with a lower optim.lr or "
                        "optim.clip_lr\n"));
  EXPECT_THAT(result.err, HasSubstr("error: step 6: "));
  EXPECT_THAT(logged(run, "loss"), SizeIs(5));
  EXPECT_THAT(logged(run, "left_out"), SizeIs(3));
  const auto sound = run / "checkpoints/step_000001", ruined = run / "checkpoints/last";
  EXPECT_EQ(run_program({"eval", sound.string(), "data.test_split=test"}).exit_code, 0);
  EXPECT_THAT(run_program({"eval", ruined.string(), "data.test_split=test"}).err, HasSubstr("the model has diverged"));

  const auto unsaved = run_program(small_training(folder_ / "unsaved", diverging));
  EXPECT_EQ(unsaved.exit_code, 1);
  EXPECT_THAT(unsaved.err, HasSubstr("no checkpoint was saved before"));
}

TEST_F(TrainFaultsTest, WhereNoClipCanBeReadAShortRunCannotStart) {
  auto rows = nlohmann::json::array();
  for (int i = 0; i < 8; ++i) {
    rows.push_back({{"video", "empty.mp4"}, {"caption", concat("clip ", i)}, {"split", "train"}});
  }
  write_file(folder_ / "empty.mp4", "");
  write_file(folder_ / "manifest.json", rows.dump());
  const auto result = run_program(
      small_training(folder_ / "run", {"data.root=" + folder_.path().string(), "data.val_split=", "data.test_split="}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("model.start is short_run, which looks at the training clips, and none of them can "
                                    "be read"));
}

TEST_F(TrainFaultsTest, VideosThatAreNotThereFailTheEvaluationOrAreCountedInItsResults) {
  const auto set = small_demo_set();
  auto rows = nlohmann::json::array();
  for (auto row : nlohmann::json::parse(read_file(set / "manifest.json"))) {
    row["video"] = (set / row.at("video").get<std::string>()).string();
    rows.push_back(row);
  }
  for (const char* name : {"gone", "lost"}) {
    rows.push_back({{"id", name}, {"video", concat(name, ".mp4")}, {"caption", "a square"}, {"split", "test"}});
  }
  write_file(folder_ / "manifest.json", rows.dump());
  const auto run = folder_ / "run";
  std::vector<std::string> settings = {"data.root=" + folder_.path().string(), "train.max_steps=1", "data.val_split="};
  const auto failed = run_program(small_training(run, settings));
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_THAT(failed.err, HasSubstr("2 of 12 videos of split 'test' are not there: gone, lost"));
  EXPECT_FALSE(fs::exists(run / "checkpoints"));

  settings.push_back("eval.on_missing=skip");
  const auto trained = run_program(small_training(run, settings));
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  for (const auto& text : {read_file(run / "results.json"), run_program({"eval", run.string(), "--json"}).out}) {
    const auto results = nlohmann::json::parse(text);
    EXPECT_EQ(results.at("skipped"), 2);
    EXPECT_EQ(results.at("clips"), 10);
    EXPECT_EQ(results.at("queries"), 10);
    ASSERT_THAT(results.at("skipped_clips"), SizeIs(2));
    EXPECT_THAT(results.at("skipped_clips").dump(), HasSubstr("gone"));
  }
  EXPECT_EQ(run_program({"eval", run.string(), "eval.on_missing=fail"}).exit_code, 1);
}

TEST_F(TrainFaultsTest, ClipsThatCannotBeReadAreNamedAndTheRestTrains) {
  const auto set = small_demo_set();
  auto rows = nlohmann::json::parse(read_file(set / "manifest.json"));
  std::ofstream(folder_ / "empty.mp4").flush();
  std::string long_caption;
  for (int i = 0; i < 10000; ++i) long_caption += "word ";
  nlohmann::json mended = nlohmann::json::array();
  for (auto row : rows) {
    row["video"] = (set / row.at("video").get<std::string>()).string();
    mended.push_back(row);
  }
  mended.push_back(
      {{"id", "broken"}, {"video", (folder_ / "empty.mp4").string()}, {"caption", "nothing"}, {"split", "test"}});
  mended.push_back({{"id", "long"}, {"video", mended[0]["video"]}, {"caption", long_caption}, {"split", "train"}});
  write_file(folder_ / "manifest.json", mended.dump());
  const auto run = folder_ / "run";
  const auto result = run_program(small_training(
      run, {"data.root=" + folder_.path().string(), "train.max_steps=2", "data.val_split=", "eval.on_missing=skip"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("broken: left out"));
  const auto results = nlohmann::json::parse(read_file(run / "results.json"));
  EXPECT_EQ(results.at("skipped"), 1);
  EXPECT_EQ(results.at("queries"), 10);

  mended.push_back({{"video", mended[0]["video"]}, {"caption", "  "}, {"split", "train"}});
  write_file(folder_ / "manifest.json", mended.dump());
  const auto refused = run_program(small_training(folder_ / "refused", {"data.root=" + folder_.path().string()}));
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("caption"));
}

TEST_F(TrainFaultsTest, ASplitIsNamedFreelyButNeverLeadsOutOfTheRun) {
  const auto run = folder_ / "run";
  for (const std::string word : {"data.test_split=../x", "eval.split=a/b", "data.val_split=.."}) {
    const auto refused = run_program(small_training(run, {word}));
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.err, HasSubstr("config." + word.substr(0, word.find('=')) + " is '"));
  }
  EXPECT_FALSE(fs::exists(run));
  const auto named = run_program(small_training(run, {"train.max_steps=1", "data.val_split=", "data.test_split=val"}));
  ASSERT_EQ(named.exit_code, 0) << named.err;
  EXPECT_EQ(nlohmann::json::parse(read_file(run / "results.json")).at("split"), "val");
  EXPECT_TRUE(fs::exists(run / "eval/val/results.json"));
}

TEST_F(TrainFaultsTest, ASignalInTheMiddleOfAValidationIsSavedAndTheValidationMadeUpFor) {
  const std::vector<std::string> settings = {"train.validate_every=1", "data.val_split=train", "train.epochs=2"};
  ASSERT_EQ(run_program(small_training(folder_ / "whole", settings)).exit_code, 0);
  {
    Program program(small_training(folder_ / "run", settings));
    wait_for_steps(program, folder_ / "run", 6);  // the epoch's last: its validation follows
    program.send(SIGTERM);
    const auto stopped = program.wait();
    EXPECT_EQ(stopped.exit_code, 128 + SIGTERM) << stopped.err;
  }
  const auto resumed = run_program(small_training(folder_ / "run", settings));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(logged(folder_ / "run", "loss"), logged(folder_ / "whole", "loss"));
  const auto results = [&](const char* run) {
    const auto text = read_file(folder_ / run / "results.json");
    return text.substr(0, text.find("\"encode_s\""));
  };
  EXPECT_EQ(results("run"), results("whole"));
  for (const char* epoch : {"epoch 1, train: t2v", "epoch 2, train: t2v"}) {
    EXPECT_THAT(read_file(folder_ / "run/log.txt"), HasSubstr(epoch));
  }
}

TEST_F(TrainFaultsTest, AFolderThatTakesNoCheckpointIsOneSentence) {
  const auto run = folder_ / "run";
  fs::create_directories(run);
  write_file(run / "checkpoints", "a file where the folder belongs");
  const auto refused = run_program(small_training(run, {"train.max_steps=2", "data.val_split=", "data.test_split="}));
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("checkpoints"));
  EXPECT_THAT(refused.err, HasSubstr("error: "));
}

TEST_F(TrainFaultsTest, ADecodeProcessThatDiesIsReplacedAndTheTrainingGoesOn) {
  const auto run = folder_ / "run";
  Program program(small_training(run, {"video.isolate=true", "data.workers=1", "data.cache_mb=0", "train.epochs=3",
                                       "data.val_split=", "data.test_split="}));
  wait_for_steps(program, run, 2);
  const auto workers = children_of(program.pid());
  EXPECT_FALSE(workers.empty());
  for (const auto worker : workers) kill(worker, SIGKILL);
  const auto trained = program.wait();
  EXPECT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_THAT(logged(run, "loss"), SizeIs(18));
}

}  // namespace
}  // namespace glint::test
