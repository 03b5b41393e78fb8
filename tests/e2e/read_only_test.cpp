#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "e2e/program.h"
#include "e2e/small_run.h"
#include "glint/core/atomic_file.h"
#include "support/environment.h"

namespace glint::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

// Folders into which nothing can be written as long as this lives.
class ReadOnly {
 public:
  explicit ReadOnly(std::vector<fs::path> folders) : folders_(std::move(folders)) { set(fs::perm_options::remove); }
  ~ReadOnly() { set(fs::perm_options::add); }
  ReadOnly(const ReadOnly&) = delete;
  ReadOnly& operator=(const ReadOnly&) = delete;

 private:
  void set(fs::perm_options how) const {
    for (const auto& folder : folders_) fs::permissions(folder, fs::perms::owner_write, how);
  }
  std::vector<fs::path> folders_;
};

class ReadOnlyTest : public testing::Test {
 protected:
  void SetUp() override {
    // Root may write everywhere; without these rights its own folders' permissions bind it as they bind everyone.
    if (geteuid() == 0) {
      options_.through = {"setpriv", "--bounding-set=-dac_override,-dac_read_search",
                          "--inh-caps=-dac_override,-dac_read_search"};
    }
    std::string through;
    for (const auto& word : options_.through) through += word + " ";
    fs::create_directory(folder_ / "probe");
    const ReadOnly locked({folder_ / "probe"});
    const bool binds = run_shell(through + "true").exit_code == 0 &&
                       run_shell(through + "touch " + (folder_ / "probe/file").string()).exit_code != 0;
    if (!binds) GTEST_SKIP() << "permissions do not bind this user, and there is no setpriv that makes them";
  }

  std::vector<std::string> words(std::vector<std::string> more) const {
    more.insert(more.end(), {"train.save_every=2", "data.val_split=", "data.test_split="});
    return small_training(run_, more);
  }
  void expect_refused(const fs::path& names) const {
    const auto refused = run_program(words({"train.max_steps=4"}), options_);
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.err, StartsWith("error: " + names.string()));
    EXPECT_THAT(refused.err, HasSubstr("Permission denied\n"));
    EXPECT_EQ(std::count(refused.err.begin(), refused.err.end(), '\n'), 1) << refused.err;
  }

  TemporaryFolder folder_;
  const fs::path run_ = folder_ / "runs/run";
  ProgramOptions options_;
};

TEST_F(ReadOnlyTest, AnEventFolderThatCannotBeReadIsOneSentence) {
  fs::create_directories(run_ / "tensorboard");
  fs::permissions(run_ / "tensorboard", fs::perms::owner_read, fs::perm_options::remove);
  const auto refused = run_program(words({"train.max_steps=4"}), options_);
  EXPECT_EQ(refused.exit_code, 1) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("error: " + (run_ / "tensorboard").string() + ": the folder cannot be listed: "));
  fs::permissions(run_ / "tensorboard", fs::perms::owner_read, fs::perm_options::add);
}

TEST_F(ReadOnlyTest, AFolderThatTakesNoFilesIsOneSentenceBeforeTheTrainingStarts) {
  fs::create_directory(run_.parent_path());
  {
    const ReadOnly parent({run_.parent_path()});
    expect_refused(run_);
  }
  fs::create_directory(run_);
  {
    const ReadOnly empty({run_});
    expect_refused(run_);
  }
  ASSERT_EQ(run_program(words({"train.max_steps=2"}), options_).exit_code, 0);
  {
    const ReadOnly begun({run_});
    expect_refused(run_);
  }
  {
    const ReadOnly checkpoints({run_ / "checkpoints"});
    expect_refused(run_ / "checkpoints");
  }
  const auto resumed = run_program(words({"train.max_steps=4"}), options_);
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(logged(run_, "loss"), SizeIs(4));
}

TEST_F(ReadOnlyTest, AFolderThatTakesNoMoreFilesEndsTheTrainingAndItsLastCheckpointIsGoneOnFrom) {
  for (const std::string processes : {"dist.processes=1", "dist.processes=2"}) {
    SCOPED_TRACE(processes);
    fs::remove_all(run_);
    std::string before;
    {
      Program program(words({processes, "train.epochs=10000"}), options_);
      while (program.running() && !fs::exists(run_ / "checkpoints/last")) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      }
      ASSERT_TRUE(program.running()) << program.err();
      const ReadOnly locked({run_, run_ / "checkpoints"});
      const auto ended = program.wait();
      EXPECT_EQ(ended.exit_code, 1);
      EXPECT_THAT(ended.err, HasSubstr("error: "));
      EXPECT_THAT(ended.err, HasSubstr((run_ / "checkpoints").string() + "/"));
      EXPECT_THAT(ended.err, HasSubstr("Permission denied"));
      before = fs::canonical(run_ / "checkpoints/last").string();
      const auto evaluated = run_program({"eval", before, "data.test_split=test"}, options_);
      EXPECT_EQ(evaluated.exit_code, 0) << evaluated.err;
    }
    const auto resumed = run_program(words({processes, "train.epochs=10000", "train.max_steps=20"}), options_);
    EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
    EXPECT_THAT(resumed.err, HasSubstr("going on from " + before));
  }
}

// A folder that may not be entered, as another user's of mode 700.
class Closed {
 public:
  explicit Closed(fs::path folder) : folder_(std::move(folder)) { fs::permissions(folder_, fs::perms::none); }
  ~Closed() { fs::permissions(folder_, fs::perms::owner_all); }
  Closed(const Closed&) = delete;
  Closed& operator=(const Closed&) = delete;

 private:
  fs::path folder_;
};

TEST_F(ReadOnlyTest, EveryCommandOnAPathThatMayNotBeEnteredIsOneSentence) {
  const auto closed = folder_ / "closed", set = small_demo_set();
  fs::create_directory(closed);
  const Closed lock(closed);
  const auto in = [&](const char* name) { return (closed / name).string(); };
  const auto out = (folder_ / "out").string(), run = run_.string(), data = "data.root=" + set.string();
  const auto training = [&](const std::vector<std::string>& more) { return small_training(run_, more); };
  const std::vector<std::vector<std::string>> commands = {
      training({"data.root=" + in("set")}),
      training({"data.videos=" + in("videos")}),
      training({"data.cache=" + in("cache")}),
      training({"model.weights=" + in("weights.safetensors")}),
      training({"run.dir=" + in("run")}),
      {"train", in("settings.yaml")},
      {"train", in("run")},
      {"eval", in("run")},
      {"eval", in("settings.yaml")},
      {"eval", "--from-scores", in("scores.safetensors")},
      {"eval", "--features", in("a.npy"), in("b.npy"), "--truth", in("truth.tsv")},
      {"encode", in("run"), "--out", out},
      {"data", "stats", "configs/demo.yaml", "data.root=" + in("set")},
      {"data", "cache", "configs/demo.yaml", "data.root=" + in("set"), "--out", out},
      {"data", "cache", "configs/demo.yaml", data, "--out", in("cache")},
      {"data", "cache", "configs/demo.yaml", data, "--out", in("cache"), "--check"},
      {"import", in("weights.pt"), out},
      {"import", in("weights.pt"), "--list"},
      {"export", in("run"), out},
      {"frames", in("a.mp4"), out + ".png"},
      {"compare", in("a"), in("b")},
      {"average", out, in("run")},
      {"demo", in("demo"), "--clips", "13"},
  };
  for (const auto& command : commands) {
    const auto refused = run_program(command, options_);
    const auto words = testing::PrintToString(command);
    EXPECT_EQ(refused.exit_code, 1) << words << refused.err;
    EXPECT_THAT(refused.err, StartsWith("error: " + closed.string())) << words;
    EXPECT_THAT(refused.err, HasSubstr("Permission denied")) << words;
    EXPECT_EQ(std::count(refused.err.begin(), refused.err.end(), '\n'), 1) << words << refused.err;
  }
}

TEST_F(ReadOnlyTest, AFolderOfVideosThatIsClosedDuringATrainingEndsItSavedAndLeavesOutNoClip) {
  const auto set = folder_ / "set";
  fs::copy(small_demo_set(), set, fs::copy_options::recursive);
  const auto more = [&](const std::string& last) {
    return small_training(run_, {"data.root=" + set.string(), "data.cache_mb=0",
                                 "data.val_split=", "data.test_split=", "train.epochs=10000", last});
  };
  {
    Program program(more("train.max_steps=0"), options_);
    while (program.running() && logged(run_, "loss").size() < 7)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ASSERT_TRUE(program.running()) << program.err();
    const Closed lock(set / "videos");
    const auto ended = program.wait();
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_THAT(ended.err, HasSubstr("error: " + (set / "videos").string() + "/"));
    EXPECT_THAT(ended.err, HasSubstr("Permission denied\n"));
  }
  const auto steps = logged(run_, "loss").size();
  EXPECT_FALSE(fs::exists(run_ / "bad_files.jsonl"));
  const auto resumed = run_program(more("train.max_steps=" + std::to_string(steps + 1)), options_);
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("step " + std::to_string(steps) + "\n"));  // going on from
}

}  // namespace
}  // namespace glint::test
