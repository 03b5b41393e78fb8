#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <thread>

#include "e2e/faults.h"
#include "e2e/program.h"
#include "e2e/small_run.h"
#include "glint/core/atomic_file.h"
#include "support/environment.h"

// What the machine and the people around a program do to it. The whole matrix: scripts/fault_matrix.
namespace glint::test {
namespace {

namespace fs = std::filesystem;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

class MachineFaultsTest : public testing::Test {
 protected:
  static std::string quoted(const std::vector<std::string>& words) {
    std::string line = "\"$GLINT_PROGRAM\"";
    for (const auto& word : words) line += " '" + word + "'";
    return line;
  }
  // A run of one epoch, evaluated.
  const fs::path& trained() {
    if (!fs::exists(run_ / "results.json")) {
      const auto made = run_program(small_training(run_, {"train.epochs=1"}));
      EXPECT_EQ(made.exit_code, 0) << made.err;
    }
    return run_;
  }
  static void wait_for_steps(Program& program, const fs::path& run_dir, std::size_t steps) {
    while (program.running() && logged(run_dir, "loss").size() < steps) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    ASSERT_TRUE(program.running()) << program.err();
  }

  TemporaryFolder folder_;
  const fs::path run_ = folder_ / "run";
};

TEST_F(MachineFaultsTest, ATrainingStartedWithClosedStreamsWritesNoWordIntoItsFiles) {
  const auto line = quoted(small_training(run_, {"train.epochs=1"})) + " <&- >&- 2>&-";
  EXPECT_EQ(run_shell(line).exit_code, 0);
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(run_ / "tensorboard")) {
    if (!entry.is_regular_file()) continue;
    ++files;
    EXPECT_THAT(read_file(entry.path()), Not(AnyOf(HasSubstr("evaluating"), HasSubstr("steps an epoch"))));
  }
  EXPECT_GT(files, 0);
  EXPECT_THAT(read_file(run_ / "log.txt"), HasSubstr("evaluating"));
}

TEST_F(MachineFaultsTest, ATerminalThatGoesAwayIsASignalToSave) {
  for (const std::string processes : {"dist.processes=1", "dist.processes=2"}) {
    SCOPED_TRACE(processes);
    fs::remove_all(run_);
    const auto words = small_training(run_, {processes, "train.epochs=10000", "data.val_split=", "data.test_split="});
    Program program(words);
    wait_for_steps(program, run_, 2);
    program.send(SIGHUP);
    program.send(SIGHUP);  // the kernel's and the shell's
    const auto stopped = program.wait();
    EXPECT_EQ(stopped.exit_code, 128 + SIGHUP) << stopped.err;
    EXPECT_TRUE(fs::exists(run_ / "checkpoints/last/state.json"));
  }
}

TEST_F(MachineFaultsTest, UnderNohupATrainingGoesOn) {
  const auto words = small_training(run_, {"train.epochs=10000", "data.val_split=", "data.test_split="});
  Program program(words, {.through = {"nohup"}});
  wait_for_steps(program, run_, 2);
  program.send(SIGHUP);
  wait_for_steps(program, run_, logged(run_, "loss").size() + 2);
  program.send(SIGTERM);
  EXPECT_EQ(program.wait().exit_code, 128 + SIGTERM);
}

TEST_F(MachineFaultsTest, ALogThatNobodyReadsEndsNothing) {
  const auto line = "{ " + quoted(small_training(run_, {"train.epochs=1"})) + "; echo $? >" +
                    (folder_ / "code").string() + "; } 2>&1 >" + (folder_ / "out").string() + " | true";
  run_shell(line);
  EXPECT_EQ(read_file(folder_ / "code"), "0\n");
  EXPECT_THAT(read_file(run_ / "log.txt"), HasSubstr("evaluating"));
}

TEST_F(MachineFaultsTest, OutputThatAFullDiskDoesNotTakeIsASentence) {
  const auto words = quoted({"eval", trained().string(), "--json"});
  for (const auto& line :
       {words, std::string("\"$GLINT_PROGRAM\" --version"), std::string("\"$GLINT_PROGRAM\" doctor")}) {
    const auto result = run_shell(line + " >/dev/full");
    EXPECT_EQ(result.exit_code, 1) << line;
    EXPECT_THAT(result.err, HasSubstr("error: stdout: the output cannot be written: No space left on device")) << line;
  }
}

TEST_F(MachineFaultsTest, AReaderThatHasSeenEnoughLosesNoFile) {
  fs::remove(trained() / "results.json");
  const auto line =
      "{ " + quoted({"eval", run_.string(), "--json"}) + "; echo $? >" + (folder_ / "code").string() + "; } | true";
  const auto result = run_shell(line);
  EXPECT_EQ(read_file(folder_ / "code"), "141\n");
  EXPECT_THAT(result.err, Not(HasSubstr("error")));
  EXPECT_TRUE(fs::exists(run_ / "results.json"));
}

TEST_F(MachineFaultsTest, ResultsWithoutAPlaceAreRefusedBeforeTheWork) {
  fs::remove_all(trained() / "eval");
  std::ofstream(run_ / "eval") << "a file where a folder is needed";
  const auto refused = run_program({"eval", run_.string()});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("--out FILE"));
  EXPECT_THAT(refused.err, Not(HasSubstr("evaluating")));
  const auto elsewhere = run_program({"eval", run_.string(), "--out", (folder_ / "mine.json").string()});
  EXPECT_EQ(elsewhere.exit_code, 0) << elsewhere.err;
  EXPECT_TRUE(fs::exists(folder_ / "mine.json"));
  fs::create_directory(folder_ / "taken");
  const auto taken = run_program({"eval", run_.string(), "--out", (folder_ / "taken").string()});
  EXPECT_EQ(taken.exit_code, 1);
  EXPECT_THAT(taken.err, HasSubstr("taken: is a folder, and a file is to be written there"));
}

TEST_F(MachineFaultsTest, ThreadsThatCannotBeStartedAreOneSentence) {
  trained();
  for (const std::string after : {"0", "1", "2", "3"}) {
    SCOPED_TRACE(after);
    const auto result = run_program({"eval", run_.string(), "data.workers=8"},
                                    with_faults({"FAULT_ON=thread", "FAULT_AFTER=" + after}));
    EXPECT_EQ(result.exit_code, 1) << result.err;
    EXPECT_THAT(result.err, HasSubstr("Resource temporarily unavailable"));
    EXPECT_THAT(result.err, Not(HasSubstr("terminate")));
  }
}

TEST_F(MachineFaultsTest, ATrainingThatAnErrorEndsSavesFirst) {
  const auto words = small_training(run_, {"train.epochs=10000", "data.val_split=", "data.test_split="});
  const auto ended =
      run_program(words, with_faults({"FAULT_ON=write", "FAULT_PATH=" + (run_ / "metrics.jsonl").string(),
                                      "FAULT_ERRNO=" + std::to_string(ENOSPC), "FAULT_AFTER=9"}));
  EXPECT_EQ(ended.exit_code, 1) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("is saved; the same command goes on from there\nerror: "));
  EXPECT_TRUE(fs::exists(run_ / "checkpoints/last/state.json"));
}

TEST_F(MachineFaultsTest, WhereARankIsKilledRank0SavesFirst) {
  const auto words =
      small_training(run_, {"dist.processes=2", "train.epochs=10000", "data.val_split=", "data.test_split="});
  Program program(words);
  wait_for_steps(program, run_, 2);
  const auto ranks = children_of(program.pid());
  ASSERT_THAT(ranks, SizeIs(2));
  kill(std::max(ranks[0], ranks[1]), SIGKILL);
  const auto ended = program.wait();
  EXPECT_EQ(ended.exit_code, 1) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("error: rank 1 of 2 was killed by signal 9"));
  EXPECT_THAT(ended.err, HasSubstr("the same command goes on from there"));
  EXPECT_TRUE(fs::exists(run_ / "checkpoints/last/state.json"));
}

TEST_F(MachineFaultsTest, ASuspendedTrainingGoesOnAsIfNothingHadHappened) {
  const auto words = small_training(run_, {"dist.processes=2", "dist.timeout_s=3", "train.epochs=4"});
  Program program(words);
  wait_for_steps(program, run_, 2);
  program.send(SIGTSTP);  // Ctrl-Z reaches the launcher alone
  std::this_thread::sleep_for(std::chrono::seconds(1));
  const auto steps = logged(run_, "loss").size();
  std::this_thread::sleep_for(std::chrono::seconds(4));
  EXPECT_THAT(logged(run_, "loss"), SizeIs(steps)) << "the ranks are stopped too";
  program.send(SIGCONT);
  const auto result = program.wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST_F(MachineFaultsTest, ASettingWrittenAsAnOptionGetsAHint) {
  const auto result = run_program({"train", "configs/demo.yaml", "--train.batch_size=8"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("settings stand without --: train.batch_size=8;"));
}

}  // namespace
}  // namespace glint::test
