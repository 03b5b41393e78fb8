#include "glint/core/activity.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace glint::test {
namespace {

// Starts `body` in a child whose environment holds `variable`; it exits with 1 where an expectation fails. All words
// are said in children: a process's first one settles where it writes.
pid_t start_child(const std::string& variable, const std::function<void()>& body) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  putenv(const_cast<char*>(variable.c_str()));
  body();
  std::fflush(nullptr);
  _exit(testing::Test::HasFailure() ? 1 : 0);
}

// -> how it ended, as waitpid says.
int run_child(const std::string& variable, const std::function<void()>& body) {
  int status = -1;
  waitpid(start_child(variable, body), &status, 0);
  return status;
}

TEST(ActivityTest, SurvivesAKill) {
  const ActivityRecord record;
  EXPECT_EQ(record.read().text, "");
  const int status = run_child(record.variable(), [] {
    set_activity("step 57: waits for data");
    const Activity decoding("decodes video7.mp4");
    count_collective();
    kill(getpid(), SIGKILL);
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  const auto state = record.read();
  EXPECT_EQ(state.text, "step 57: waits for data (decodes video7.mp4)");
  EXPECT_EQ(state.progress, 3);
  EXPECT_EQ(state.collectives, 1);
  EXPECT_FALSE(state.verdict);
}

void let_helpers_come_and_go() {
  set_activity("trains");
  {
    const Activity first("decodes a"), second("decodes b");
    EXPECT_EQ(current_activity().text, "trains (decodes a, decodes b)");
    std::vector<std::unique_ptr<Activity>> many;
    for (int i = 0; i < 40; ++i) many.push_back(std::make_unique<Activity>("decodes c"));
    EXPECT_EQ(current_activity().text, "trains (decodes a, decodes b, decodes c and 12 more)");
  }
  EXPECT_EQ(current_activity().text, "trains");
  set_activity("");
  const Activity alone("decodes d");
  EXPECT_EQ(current_activity().text, "decodes d");
}

TEST(ActivityTest, HelpersComeAndGo) {
  EXPECT_EQ(run_child(ActivityRecord().variable(), let_helpers_come_and_go), 0);
}

TEST(ActivityTest, LongWordsAreCutBetweenLetters) {
  const auto speak = [] {
    std::string letters;
    for (int i = 0; i < 200; ++i) letters += "\u00e9";
    set_activity(letters);
    const auto shown = current_activity().text;
    EXPECT_EQ(shown.size() % 2, 0);
    EXPECT_GT(shown.size(), 200);
    EXPECT_EQ(letters.find(shown), 0);
  };
  EXPECT_EQ(run_child(ActivityRecord().variable(), speak), 0);
}

TEST(ActivityTest, ReadersSeeWholeWordsWhileThreadsWrite) {
  const ActivityRecord record;
  const pid_t pid = start_child(record.variable(), [] {
    std::vector<std::thread> threads;
    for (const char letter : {'a', 'b'}) {
      threads.emplace_back([letter] {
        for (int i = 0; i < 20000; ++i) set_activity(std::string(static_cast<std::size_t>(1 + i % 200), letter));
      });
    }
    for (auto& thread : threads) thread.join();
  });
  int status = 0;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    const auto text = record.read().text;
    EXPECT_EQ(text.find_first_not_of(text.substr(0, 1)), std::string::npos) << text;
  }
  EXPECT_EQ(status, 0);
  EXPECT_EQ(record.read().progress, 40000);
}

TEST(ActivityTest, AVariableOfSomeoneElsesMemoryIsLeftAlone) {
  for (const char* variable :
       {"GLINT_ACTIVITY=0:1", "GLINT_ACTIVITY=900:1", "GLINT_ACTIVITY=nonsense", "GLINT_ACTIVITY="}) {
    const auto speak = [] {
      set_activity("alone");
      EXPECT_EQ(current_activity().text, "alone");
    };
    EXPECT_EQ(run_child(variable, speak), 0) << variable;
  }
}

}  // namespace
}  // namespace glint::test
