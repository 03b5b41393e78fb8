#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "e2e/program.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "support/environment.h"

namespace glint::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

int videos_in(const fs::path& set) {
  std::error_code missing;
  const fs::directory_iterator videos(set / "videos", missing);
  return missing ? 0 : static_cast<int>(std::distance(begin(videos), end(videos)));
}

// Starts a large set, ends the program by `signal` once some videos are there, and gives its exit code.
int interrupt(const fs::path& set, int clips, int signal) {
  Program program({"demo", set.string(), "--clips", std::to_string(clips)});
  while (program.running() && videos_in(set) < 3) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  program.send(signal);
  return program.wait().exit_code;
}

TEST(DemoCommandTest, MakesASetOnceAndSaysWhatToDoNext) {
  const TemporaryFolder folder;
  const auto set = folder / "set";
  const auto first = run_program({"demo", set.string(), "--clips", "13", "--seed", "5"});
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.out, IsEmpty());
  EXPECT_THAT(first.err, HasSubstr("10 train, 1 val and 2 test clips"));
  EXPECT_THAT(first.err, HasSubstr("glint train"));
  EXPECT_EQ(videos_in(set), 13);
  const auto second = run_program({"demo", set.string(), "--clips", "13", "--seed", "5"});
  EXPECT_EQ(second.exit_code, 0);
  EXPECT_THAT(second.err, HasSubstr("nothing to do"));
  const auto other = run_program({"demo", set.string(), "--clips", "13"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.err, HasSubstr("another demo set"));
}

TEST(DemoCommandTest, StoppedOrKilledItIsContinuedByTheSameCommand) {
  const TemporaryFolder folder;
  const auto set = folder / "set";
  EXPECT_EQ(interrupt(set, 26, SIGTERM), 128 + SIGTERM);
  EXPECT_LT(videos_in(set), 26);
  EXPECT_EQ(interrupt(set, 26, SIGKILL), 128 + SIGKILL);
  EXPECT_FALSE(fs::exists(set / "manifest.json"));
  EXPECT_EQ(run_program({"demo", set.string(), "--clips", "26"}).exit_code, 0);
  const auto whole = folder / "whole";
  EXPECT_EQ(run_program({"demo", whole.string(), "--clips", "26"}).exit_code, 0);
  for (const auto& entry : fs::recursive_directory_iterator(whole)) {
    if (!entry.is_regular_file()) continue;
    EXPECT_TRUE(read_file(entry.path()) == read_file(set / fs::relative(entry.path(), whole))) << entry.path();
  }
}

TEST(DemoCommandTest, TwoAtOnceMakeOneSet) {
  const TemporaryFolder folder;
  const auto set = folder / "set";
  Program first({"demo", set.string(), "--clips", "26"});
  Program second({"demo", set.string(), "--clips", "26"});
  const auto one = first.wait(), other = second.wait();
  EXPECT_EQ(one.exit_code, 0) << one.err;
  EXPECT_EQ(other.exit_code, 0) << other.err;
  EXPECT_THAT(one.err + other.err, HasSubstr("at work in " + set.string() + "; waiting until it is done"));
  EXPECT_THAT(one.err + other.err, HasSubstr("rendered 26 clips"));
  EXPECT_THAT(one.err + other.err, HasSubstr("nothing to do"));
  EXPECT_EQ(videos_in(set), 26);
}

TEST(DemoCommandTest, OneThatWaitsCanBeStopped) {
  const TemporaryFolder folder;
  const auto set = folder / "set";
  const std::vector<std::string> words = {"demo", set.string(), "--clips", "1300"};
  Program first(words);
  while (first.running() && videos_in(set) < 1) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  Program second(words);
  while (second.running() && second.err().find("waiting") == std::string::npos) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  second.send(SIGINT);
  EXPECT_EQ(second.wait().exit_code, 128 + SIGINT);
  EXPECT_TRUE(first.running());
}

TEST(DemoCommandTest, MakesASetOfMomentsAndNamesItsSettings) {
  const TemporaryFolder folder;
  const std::vector<std::string> words = {
      "demo", (folder / "set").string(), "--clips", "13", "--stories", "moments", "--events", "2-3", "--seconds", "3"};
  const auto first = run_program(words);
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.err, HasSubstr("configs/demo_moments.yaml"));
  EXPECT_THAT(read_file(folder / "set" / "demo_set.json"), HasSubstr(R"("events":[2,3],"seconds":[3.0,3.0])"));
  EXPECT_EQ(videos_in(folder / "set"), 13);
  EXPECT_THAT(run_program(words).err, HasSubstr("nothing to do"));
  const auto other = run_program({"demo", (folder / "set").string(), "--clips", "13"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.err, HasSubstr("another demo set"));
}

TEST(DemoCommandTest, WrongStoriesEventsAndSecondsAreOneSentence) {
  const TemporaryFolder folder;
  const auto expect_refused = [&](std::vector<std::string> options, const std::string& part) {
    std::vector<std::string> words = {"demo", (folder / "set").string(), "--clips", "13"};
    words.insert(words.end(), options.begin(), options.end());
    const auto result = run_program(words);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, HasSubstr(part));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  };
  expect_refused({"--stories", "half"}, "--stories: 'half' is neither whole nor moments");
  expect_refused({"--events", "3"}, "are for --stories moments");
  expect_refused({"--stories", "whole", "--seconds", "4"}, "are for --stories moments");
  for (const char* word : {"few", "3-", "3-4-5", "3,4", "", "99999999999999999999"}) {
    expect_refused({"--stories", "moments", concat("--events=", word)}, "--events");
  }
  expect_refused({"--stories", "moments", "--events", "1-4"}, "from 2 to 8");
  expect_refused({"--stories", "moments", "--events=-3"}, "from 2 to 8");
  expect_refused({"--stories", "moments", "--seconds", "nan"}, "from 3 to 40");
  expect_refused({"--stories", "moments", "--seconds", "3-41"}, "from 3 to 40");
  EXPECT_FALSE(fs::exists(folder / "set"));
}

TEST(DemoCommandTest, AWrongNumberOfClipsIsOneSentence) {
  const TemporaryFolder folder;
  const auto few = run_program({"demo", (folder / "few").string(), "--clips", "3"});
  EXPECT_EQ(few.exit_code, 1);
  EXPECT_THAT(few.err, HasSubstr("must be from 13 to 20000"));
  const auto word = run_program({"demo", (folder / "word").string(), "--clips", "many"});
  EXPECT_EQ(word.exit_code, 1);
  EXPECT_THAT(word.err, HasSubstr("--clips"));
  EXPECT_EQ(run_program({"demo"}).exit_code, 1);
}

}  // namespace
}  // namespace glint::test
