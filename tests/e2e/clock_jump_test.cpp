#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "e2e/program.h"
#include "e2e/small_run.h"
#include "glint/core/atomic_file.h"
#include "support/environment.h"

// Trainings while the machine's wall clock is set five hours back and forth all the time (jumping_clock.cpp).
namespace glint::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::SizeIs;

ProgramOptions with_jumping_clock() {
  // A build with sanitizers minds that a library comes before theirs.
  return {.environment = {"LD_PRELOAD=" GLINT_JUMPING_CLOCK, "ASAN_OPTIONS=verify_asan_link_order=0"}};
}

// Between the earliest and the latest time in a run's log.txt, where each line begins with it.
double hours_in_log(const fs::path& run_dir) {
  std::vector<time_t> times;
  std::ifstream in(run_dir / "log.txt");
  for (std::string line; std::getline(in, line);) {
    tm time = {};
    std::istringstream words(line);
    if (words >> std::get_time(&time, "%Y-%m-%d %H:%M:%S")) times.push_back(timegm(&time));
  }
  if (times.empty()) return 0;
  const auto [first, last] = std::minmax_element(times.begin(), times.end());
  return difftime(*last, *first) / 3600;
}

void expect_true_times(const fs::path& run_dir) {
  std::ifstream in(run_dir / "metrics.jsonl");
  for (std::string text; std::getline(in, text);) {
    const auto line = nlohmann::json::parse(text);
    if (line.contains("split")) continue;
    EXPECT_GT(line.at("samples_per_s"), 0);
    for (const auto& [name, value] : line.items()) {
      if (name.rfind("seconds/", 0) != 0 && name != "data_wait") continue;
      EXPECT_GE(value, 0) << text;
      EXPECT_LT(value, 100) << text;
    }
  }
}

void wait_for_a_step(const Program& program, const fs::path& run_dir) {
  while (program.running() && logged(run_dir, "loss").empty())
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  ASSERT_TRUE(program.running()) << program.err();
}

TEST(ClockJumpTest, ATrainingGivesTheSameLossesAndTimesAndGoesOnFromItsLastStep) {
  const TemporaryFolder folder;
  const auto whole = folder / "whole", run = folder / "run";
  ASSERT_EQ(run_program(small_training(whole, {"train.save_every=2"})).exit_code, 0);
  const auto begun = run_program(small_training(run, {"train.save_every=2", "train.max_steps=4", "data.test_split="}),
                                 with_jumping_clock());
  ASSERT_EQ(begun.exit_code, 0) << begun.err;
  fs::last_write_time(run / "checkpoints/step_000002", fs::file_time_type::clock::now() + std::chrono::hours(5));
  const auto resumed = run_program(small_training(run, {"train.save_every=2"}), with_jumping_clock());
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("step_000004, step 4"));
  EXPECT_EQ(logged(run, "loss"), logged(whole, "loss"));
  EXPECT_EQ(read_file(run / "checkpoints/last/model.safetensors"),
            read_file(whole / "checkpoints/last/model.safetensors"));
  expect_true_times(run);
  EXPECT_GT(hours_in_log(run), 9) << "the program did not see the clock jump";
}

TEST(ClockJumpTest, SoDoProcessesTogether) {
  const TemporaryFolder folder;
  const auto words = [&](const char* name) {
    return small_training(folder / name, {"dist.processes=2", "dist.timeout_s=60", "data.test_split="});
  };
  ASSERT_EQ(run_program(words("plain")).exit_code, 0);
  Program program(words("run"), with_jumping_clock());
  wait_for_a_step(program, folder / "run");
  const auto ranks = children_of(program.pid());
  EXPECT_THAT(ranks, SizeIs(2));
  for (const auto rank : ranks) {
    EXPECT_THAT(read_file(fs::path("/proc") / std::to_string(rank) / "maps"), HasSubstr(GLINT_JUMPING_CLOCK));
  }
  const auto trained = program.wait();
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_EQ(logged(folder / "run", "loss"), logged(folder / "plain", "loss"));
  expect_true_times(folder / "run");
}

TEST(ClockJumpTest, ARankThatStandsStillIsNamedAfterTheTimeThatWasSet) {
  const TemporaryFolder folder;
  constexpr double kTimeoutSeconds = 5;
  Program program(small_training(folder / "run", {"dist.processes=2", "dist.timeout_s=5", "train.epochs=10000",
                                                  "data.val_split=", "data.test_split="}),
                  with_jumping_clock());
  wait_for_a_step(program, folder / "run");
  const auto ranks = children_of(program.pid());
  ASSERT_THAT(ranks, SizeIs(2));
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(kill(ranks.back(), SIGSTOP), 0);
  const auto ended = program.wait();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.err, HasSubstr("has not been heard of for 5 s (dist.timeout_s); the training ends"));
  EXPECT_GT(took.count(), kTimeoutSeconds - 1);
  EXPECT_LT(took.count(), kTimeoutSeconds + 30);  // less far than a jump
}

}  // namespace
}  // namespace glint::test
