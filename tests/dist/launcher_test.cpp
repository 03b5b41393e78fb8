#include "glint/dist/launcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <sstream>
#include <thread>

#include "e2e/program.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::Not;

ProgramOptions options() {
  return {.environment = {"OMP_NUM_THREADS=1"}, .program = GLINT_RANK_PROGRAM, .timeout_s = 60};
}

ProgramResult launch(const std::vector<std::string>& words) {
  return run_program(words, options());
}

struct Launched {
  std::string victim;
  std::unique_ptr<Program> program;
};

// All at once: they wait more than they work.
std::vector<Launched> launch_all(const std::vector<std::vector<std::string>>& lines) {
  std::vector<Launched> result;
  for (const auto& words : lines) result.push_back({words.back(), std::make_unique<Program>(words, options())});
  return result;
}

std::vector<std::string> lines_with(const std::string& text, const std::string& part) {
  std::vector<std::string> found;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.find(part) != std::string::npos) found.push_back(line);
  }
  return found;
}

void wait_for(const Program& program, const std::string& word, std::size_t times = 1) {
  while (program.running() && lines_with(program.err(), word).size() < times) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

TEST(LauncherTest, Rank0SpeaksAsItIsAndTheOthersWithTheirNames) {
  const auto result = launch({"launch", "3", "speaks"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "data of rank 0 with OMP_NUM_THREADS 1\n");
  for (const char* line : {"word of rank 0\n", "[rank 1] word of rank 1\n", "[rank 2] and no end of line\n"}) {
    EXPECT_THAT(result.err, HasSubstr(line));
  }
}

TEST(LauncherTest, AKilledRankIsNamedWithItsLastWordsAndNobodyElseSpeaks) {
  for (auto& launched : launch_all({{"launch", "3", "killed", "0"}, {"launch", "3", "killed", "2"}})) {
    const auto result = launched.program->wait();
    EXPECT_EQ(result.exit_code, 1);
    const auto errors = lines_with(result.err, "error:");
    ASSERT_EQ(errors.size(), 1) << result.err;
    EXPECT_EQ(errors[0], "error: rank " + launched.victim +
                             " of 3 was killed by signal 9 (Killed, as the system does where memory runs out); it did "
                             "last: step 3: sums (decodes video7.mp4); the other ranks were ended");
  }
}

TEST(LauncherTest, ARankThatFailsGivesItsExitCodeAndItsOwnMessage) {
  const auto launched = launch_all({{"launch", "2", "exits3", "1"}, {"launch", "3", "throws", "1"}});
  const auto exits = launched[0].program->wait(), throws = launched[1].program->wait();
  EXPECT_EQ(exits.exit_code, 3);
  EXPECT_THAT(exits.err, HasSubstr("error: rank 1 of 2 ended with exit code 3; it did last: step 3: sums"));
  EXPECT_EQ(throws.exit_code, 1);
  EXPECT_THAT(throws.err, HasSubstr("[rank 1] error: video7.mp4: is damaged\n"));
  EXPECT_THAT(throws.err, HasSubstr("error: rank 1 of 3 ended with exit code 1; it did last: step 3: sums"));
  EXPECT_THAT(throws.err, Not(HasSubstr("lost")));
}

TEST(LauncherTest, ARankThatHangsOrIsFrozenIsFoundByTheWatchdog) {
  const auto launched = launch_all({{"launch", "3", "hangs", "1"}, {"launch", "2", "freezes", "0"}});
  const auto hangs = launched[0].program->wait(), freezes = launched[1].program->wait();
  EXPECT_EQ(hangs.exit_code, 1);
  const auto errors = lines_with(hangs.err, "error:");
  ASSERT_FALSE(errors.empty()) << hangs.err;
  for (const auto& error : errors) {  // several ranks may find out at the same moment
    EXPECT_THAT(error, HasSubstr("error: rank 1 (step 3: sums (decodes video7.mp4), on "));
    EXPECT_THAT(error, HasSubstr(") has made no progress for 4 s (dist.timeout_s); the training ends"));
  }

  EXPECT_EQ(freezes.exit_code, 1);
  const auto of_frozen = lines_with(freezes.err, "error:");
  ASSERT_EQ(of_frozen.size(), 1) << freezes.err;
  EXPECT_THAT(of_frozen[0], HasSubstr("[rank 1] error: rank 0, which keeps the rendezvous"));
}

TEST(LauncherTest, ASignalReachesAllRanksOnceAndTheySave) {
  Program program({"launch", "3", "trains"}, options());
  wait_for(program, "all ranks train");
  program.send(SIGTERM);
  const auto result = program.wait();
  EXPECT_EQ(result.exit_code, 128 + SIGTERM) << result.err;
  for (const char* line : {"saved by rank 0\n", "[rank 1] saved by rank 1\n", "[rank 2] saved by rank 2\n"}) {
    EXPECT_THAT(result.err, HasSubstr(line));
  }
  EXPECT_THAT(result.err, Not(HasSubstr("error:")));
}

TEST(LauncherTest, ASecondSignalEndsRanksThatHang) {
  Program program({"launch", "2", "hangs", "1"}, options());
  wait_for(program, "pid", 2);
  program.send(SIGINT);
  program.send(SIGINT);  // one that is pending would swallow it
  for (int i = 0; i < 50 && program.running(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    program.send(SIGINT);
  }
  EXPECT_EQ(program.wait().exit_code, 128 + SIGINT);
}

TEST(LauncherTest, RanksEndWithAKilledLauncher) {
  Program program({"launch", "3", "trains"}, options());
  wait_for(program, "all ranks train");
  wait_for(program, "pid ", 3);  // words of the others take a way of their own
  std::vector<pid_t> pids;
  for (const auto& line : lines_with(program.err(), "pid "))
    pids.push_back(std::stoi(line.substr(line.find("pid ") + 4)));
  ASSERT_EQ(pids.size(), 3);
  program.send(SIGKILL);
  EXPECT_EQ(program.wait().exit_code, 128 + SIGKILL);
  for (const auto pid : pids) {
    int tries = 0;
    while (kill(pid, 0) == 0 && ++tries < 5000) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    EXPECT_NE(kill(pid, 0), 0) << pid;
  }
}

TEST(LauncherTest, AProgramThatIsNotThereIsASentence) {
  testing::internal::CaptureStderr();
  try {
    launch_local_ranks({{"/no/such/program"}, 2, 0});
    ADD_FAILURE();
  } catch (const std::exception& error) {
    EXPECT_STREQ(error.what(), "/no/such/program: no rank can be started: No such file or directory");
  }
  testing::internal::GetCapturedStderr();
}

}  // namespace
}  // namespace glint::test
