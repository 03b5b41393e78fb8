#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "e2e/faults.h"
#include "e2e/program.h"
#include "e2e/small_run.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "support/environment.h"

// Work on a storage that fails now and then, or for good (injected_faults.cpp).
namespace glint::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

class FailingStorageTest : public testing::Test {
 protected:
  // The first `after` of the calls on files with `words` in their path go well, the next `times` do not.
  static ProgramOptions failing(const std::string& call, const std::string& words, int code, int after,
                                const std::string& times = "") {
    auto faults = std::vector<std::string>{"FAULT_OPENS=well", "FAULT_ON=" + call, "FAULT_PATH=" + words,
                                           concat("FAULT_ERRNO=", code), concat("FAULT_AFTER=", after)};
    if (!times.empty()) faults.push_back("FAULT_TIMES=" + times);
    return with_faults(std::move(faults));
  }
  std::vector<std::string> build_words() const {
    return {"data",  "cache",         "configs/demo.yaml",  "data.root=" + small_demo_set().string(),
            "--out", cache_.string(), "video.image_size=32"};
  }
  static std::string counts(const ProgramResult& result) {
    const auto json = nlohmann::json::parse(result.out, nullptr, /*allow_exceptions=*/false);
    return json.is_object()
               ? concat(json.at("kept"), " kept, ", json.at("made"), " made, ", json.at("bad").size(), " bad")
               : result.err;
  }
  ProgramResult build(const ProgramOptions& options = {}) const {
    auto words = build_words();
    words.push_back("--json");
    return run_program(words, options);
  }
  std::vector<std::string> training(const char* name, std::vector<std::string> more = {}) const {
    more.push_back("train.epochs=1");
    return plain_training(folder_ / name, more);
  }

  TemporaryFolder folder_;
  const fs::path cache_ = folder_ / "cache";
};

TEST_F(FailingStorageTest, AVideoThatCannotBeReadForAMomentIsCachedAllTheSame) {
  const auto result = build(failing("read", "train_0007", EIO, 0, "1"));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(counts(result), "0 kept, 65 made, 0 bad");
}

TEST_F(FailingStorageTest, AVideoThatCannotBeReadEndsTheBuildWithoutAVerdictAndTheNextGoesOn) {
  for (const int code : {EIO, ESTALE, ETIMEDOUT}) {
    const auto result = build(failing("read", "train_0020", code, 0));
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, AllOf(HasSubstr("train_0020"), HasSubstr(std::strerror(code)),
                                  HasSubstr("the storage does not answer"), HasSubstr("clips finished before stay")));
    EXPECT_FALSE(fs::exists(cache_ / "bad_files.jsonl"));
  }
  const auto resumed = build();
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(counts(resumed), HasSubstr("0 bad"));
  EXPECT_EQ(run_program({"data", "cache", "configs/demo.yaml", "data.root=" + small_demo_set().string(), "--out",
                         cache_.string(), "video.image_size=32", "--check"})
                .exit_code,
            0);
}

TEST_F(FailingStorageTest, APackThatCannotBeWrittenKeepsWhatStandsInIt) {
  const auto broken = build(failing("write", "pack_0000", EIO, 60));  // two writes a clip
  EXPECT_EQ(broken.exit_code, 1);
  EXPECT_THAT(broken.err, AllOf(HasSubstr("pack_0000.glint: the file cannot be written: Input/output error"),
                                HasSubstr("clips finished before stay")));
  const auto resumed = build();
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_GE(json::parse(resumed.out).at("kept"), 25);
}

TEST_F(FailingStorageTest, ATrainingReadsACacheASecondTimeAndThenEndsWithTheReason) {
  ASSERT_EQ(build().exit_code, 0);
  const std::string from_cache = "data.cache=" + cache_.string();
  const auto plain = run_program(training("plain", {from_cache}));
  ASSERT_EQ(plain.exit_code, 0) << plain.err;
  const auto once = run_program(training("once", {from_cache}), failing("read", "pack_0000", EIO, 10, "1"));
  EXPECT_EQ(once.exit_code, 0) << once.err;
  EXPECT_EQ(logged(folder_ / "once", "loss"), logged(folder_ / "plain", "loss"));
  const auto always = run_program(training("always", {from_cache}), failing("read", "pack_0000", EIO, 30));
  EXPECT_EQ(always.exit_code, 1);
  EXPECT_THAT(always.err, AllOf(HasSubstr("pack_0000.glint"), HasSubstr("Input/output error")));
  EXPECT_FALSE(fs::exists(folder_ / "always/bad_files.jsonl"));
  const auto resumed = run_program(training("always", {from_cache}));
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(logged(folder_ / "always", "loss"), logged(folder_ / "plain", "loss"));
}

// What is decoded, by the number of openings.
TEST_F(FailingStorageTest, ValidationsDoNotReadAgainWhatFrozenTowersHaveSeen) {
  const auto list = folder_ / "opens";
  const auto openings = [&](const char* name, const std::vector<std::string>& more) {
    fs::remove(list);
    std::vector<std::string> words = {"data.test_split=", "train.epochs=3"};
    words.insert(words.end(), more.begin(), more.end());
    const auto result =
        run_program(small_training(folder_ / name, words), with_faults({"OPENED_LIST=" + list.string()}));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return times_said(read_file(list), "/val_");  // of validation clips: those of training depend on what is read ahead
  };
  const auto trained = openings("trained", {"model.freeze=none", "train.validate_every=1", "data.cache_mb=0"});
  EXPECT_GT(trained, 3u);
  EXPECT_EQ(openings("frozen", {"model.freeze=towers", "train.validate_every=1", "data.cache_mb=0"}) * 3, trained);
  // A memory that training clips alone would fill: those of more frequent validations come first.
  EXPECT_EQ(openings("favoured", {"model.freeze=none", "train.validate_every=0.5", "data.cache_mb=1"}) * 3, trained);
}

TEST_F(FailingStorageTest, TheTestResultsComeOfClipsThatTheTrainingHasDecoded) {
  auto rows = json::array();
  for (auto row : json::parse(read_file(small_demo_set() / "manifest.json"))) {
    row["video"] = (small_demo_set() / row.at("video").get<std::string>()).string();
    row.erase("split");  // then every split is all of them
    rows.push_back(row);
  }
  write_file(folder_ / "manifest.json", rows.dump());
  const auto list = folder_ / "opens";
  const auto result = run_program(
      small_training(folder_ / "run", {"data.root=" + folder_.path().string(), "data.cache_mb=64", "train.epochs=1"}),
      with_faults({"OPENED_LIST=" + list.string()}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_LE(times_said(read_file(list), "\n"), rows.size() + 5);  // two threads may want a clip at the same time
}

}  // namespace
}  // namespace glint::test
