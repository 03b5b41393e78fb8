#include "glint/core/running_time.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace glint::test {
namespace {

using std::chrono::milliseconds;

TEST(RunningTimeTest, RunsAsTheSteadyClockDoes) {
  const auto begin = running_now();
  std::this_thread::sleep_for(milliseconds(1500));  // longer than what counts as a stop: this process runs all the time
  const auto passed = running_now() - begin;
  EXPECT_GE(passed, milliseconds(1400));
  EXPECT_LT(passed, milliseconds(5000));
}

// A process of its own: the sanitizers and gtest would be stopped too.
TEST(RunningTimeTest, TheTimeInWhichTheProcessWasStoppedDoesNotCount) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto steady = std::chrono::steady_clock::now();
    const auto begin = running_now();
    std::this_thread::sleep_for(milliseconds(300));
    raise(SIGSTOP);
    std::this_thread::sleep_for(milliseconds(300));
    const bool was_stopped = std::chrono::steady_clock::now() - steady > milliseconds(2500);
    _exit(was_stopped && running_now() - begin < milliseconds(1900) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, WUNTRACED), child);
  ASSERT_TRUE(WIFSTOPPED(status));
  std::this_thread::sleep_for(milliseconds(2500));
  kill(child, SIGCONT);
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace glint::test
