#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

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

namespace glint::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

class DataCacheTest : public testing::Test {
 protected:
  // Words for `glint data cache` over the small demo set, as small_training() reads it.
  std::vector<std::string> cache_words(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {
        "data",  "cache",         "configs/demo.yaml",  "data.root=" + small_demo_set().string(),
        "--out", cache_.string(), "video.image_size=32"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  json build(const std::vector<std::string>& more = {}) const {
    auto words = cache_words(more);
    words.push_back("--json");
    const auto result = run_program(words);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.out, nullptr, /*allow_exceptions=*/false);
  }
  std::vector<std::string> training(const char* name, std::vector<std::string> more = {}) const {
    return small_training(folder_ / name, std::move(more));
  }
  uintmax_t bytes_of_packs() const {
    uintmax_t bytes = 0;
    std::error_code not_there;
    for (const auto& entry : fs::directory_iterator(cache_, not_there)) {
      if (entry.path().filename().string().rfind("pack_", 0) == 0) bytes += entry.file_size();
    }
    return bytes;
  }
  TemporaryFolder folder_;
  fs::path cache_ = folder_ / "cache";
};

TEST_F(DataCacheTest, TrainingFromTheCacheIsTrainingFromTheVideos) {
  for (const std::string augment : {"none", "rand_augment"}) {
    cache_ = folder_ / augment;
    const auto made = build({"video.augment=" + augment});
    EXPECT_EQ(made.at("clips"), 65);
    EXPECT_EQ(made.at("made"), 65);
    EXPECT_THAT(made.at("bad"), SizeIs(0));
    const std::vector<std::string> settings = {"video.augment=" + augment, "data.cache_mb=0", "train.epochs=1"};
    const auto plain = run_program(training((augment + "_plain").c_str(), settings));
    ASSERT_EQ(plain.exit_code, 0) << plain.err;
    auto from_cache = settings;
    from_cache.push_back("data.cache=" + cache_.string());
    const auto cached = run_program(training((augment + "_cached").c_str(), from_cache));
    ASSERT_EQ(cached.exit_code, 0) << cached.err;
    EXPECT_EQ(cached.err.find("not in the cache"), std::string::npos) << cached.err;
    const auto plain_run = folder_ / (augment + "_plain"), cached_run = folder_ / (augment + "_cached");
    EXPECT_THAT(logged(cached_run, "loss"), SizeIs(6));
    EXPECT_EQ(logged(cached_run, "loss"), logged(plain_run, "loss"));
    EXPECT_EQ(json::parse(read_file(cached_run / "results.json")).at("t2v"),
              json::parse(read_file(plain_run / "results.json")).at("t2v"));
  }
}

TEST_F(DataCacheTest, ASecondCallMakesNothingAndTheCheckFindsItSound) {
  build();
  const auto again = build();
  EXPECT_EQ(again.at("kept"), 65);
  EXPECT_EQ(again.at("made"), 0);
  const auto checked = run_program(cache_words({"--check", "--json"}));
  EXPECT_EQ(checked.exit_code, 0) << checked.err;
  EXPECT_EQ(json::parse(checked.out).at("sound"), 65);
}

TEST_F(DataCacheTest, ABuilderKilledInTheMiddleKeepsWhatItFinished) {
  uintmax_t before = 0;
  {
    Program program(cache_words());
    while (program.running() && bytes_of_packs() < 400'000) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    program.send(SIGKILL);
    program.wait();
    before = bytes_of_packs();
  }
  const auto resumed = build();
  EXPECT_EQ(resumed.at("clips"), 65);
  EXPECT_GE(resumed.at("kept").get<uintmax_t>(), before / 40'000 - 1);  // 37 kB a clip
  EXPECT_EQ(run_program(cache_words({"--check"})).exit_code, 0);
}

TEST_F(DataCacheTest, ASecondBuilderIsRefusedAndCtrlCKeepsWhatIsThere) {
  Program first(cache_words({"--workers", "1"}));
  while (first.running() && bytes_of_packs() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  first.send(SIGSTOP);
  const auto second = run_program(cache_words());
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_EQ(second.err, "error: " + cache_.string() +
                            ": another glint data cache works in this folder; let it end or name another folder\n");
  first.send(SIGINT);
  first.send(SIGCONT);
  const auto stopped = first.wait();
  EXPECT_EQ(stopped.exit_code, 128 + SIGINT) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("the same command goes on from there"));
  EXPECT_EQ(build().at("clips"), 65);
}

TEST_F(DataCacheTest, AFullDiskIsOneSentenceAndLosesNothing) {
  std::string command = "ulimit -f 800; exec \"$GLINT_PROGRAM\"";  // 400 kB: some clips fit, not all
  for (const auto& word : cache_words()) command += " '" + word + "'";
  const auto full = run_shell(command);
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_THAT(full.err, AllOf(HasSubstr("pack_0000.glint: the file cannot be written: File too large; the "),
                              HasSubstr("finished before stay, and the same command goes on from there")));
  EXPECT_GT(bytes_of_packs(), 100'000u);
  const auto resumed = build();
  EXPECT_GE(resumed.at("kept"), 5);
  EXPECT_EQ(resumed.at("kept").get<int>() + resumed.at("made").get<int>(), 65);
  EXPECT_EQ(run_program(cache_words({"--check"})).exit_code, 0);
}

TEST_F(DataCacheTest, WhatIsWrongIsOneSentenceBeforeTheTraining) {
  build();
  const auto refused = [&](const std::vector<std::string>& more, const std::string& sentence) {
    auto words = more;
    words.insert(words.end(), {"data.cache=" + cache_.string(), "data.test_split=", "data.val_split="});
    const auto result = run_program(training("run", words));
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, HasSubstr(sentence));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  };
  refused({"video.num_frames=6"}, "video.num_frames is 12 there and 6 now");
  refused({"data.cache_codec=jpeg"}, "data.cache_codec is \"raw\" there and \"jpeg\" now");
  const auto pack = cache_ / "pack_0000.glint";
  fs::resize_file(pack, fs::file_size(pack) / 2);
  refused({}, "pack_0000.glint: is cut short");
  const auto checked = run_program(cache_words({"--check"}));
  EXPECT_EQ(checked.exit_code, 1);
  EXPECT_THAT(checked.out, HasSubstr("pack_0000.glint: is cut short"));
  EXPECT_THAT(checked.err, HasSubstr("are damaged"));
  const auto mended = build();
  EXPECT_GT(mended.at("made"), 20);
  EXPECT_GT(mended.at("kept"), 20);
  EXPECT_EQ(run_program({"data", "cache", "configs/demo.yaml"}).err,
            "error: no folder is named for the cache: give --out FOLDER, or set data.cache\n");
}

TEST_F(DataCacheTest, BadVideosAreListedWithTheirCause) {
  const auto set = small_demo_set();
  auto rows = json::array();
  for (auto row : json::parse(read_file(set / "manifest.json"))) {
    if (rows.size() == 5) break;
    row["video"] = (set / row.at("video").get<std::string>()).string();
    rows.push_back(row);
  }
  std::ofstream(folder_ / "empty.mp4").flush();
  rows.push_back({{"id", "empty"}, {"video", "empty.mp4"}, {"caption", "nothing"}, {"split", "train"}});
  rows.push_back({{"video", "absent.mp4"}, {"caption", "nothing"}, {"split", "train"}});
  write_file(folder_ / "manifest.json", rows.dump());
  const auto result =
      run_program({"data", "cache", "configs/demo.yaml", "data.root=" + folder_.path().string(), "--out",
                   cache_.string(), "data.val_split=", "data.test_split=", "video.image_size=32"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("1 could not be read:\n  empty: "), HasSubstr("empty.mp4: no video"),
                                HasSubstr("1 videos are not there:\n  absent.mp4\n")));
  EXPECT_THAT(read_file(cache_ / "bad_files.jsonl"), HasSubstr("empty.mp4: no video that can be opened"));
}

TEST_F(DataCacheTest, JpegAndYuvTakeLessAndTrain) {
  const auto raw = build().at("bytes").get<int64_t>();
  for (const auto& [codec, share] : {std::pair{"yuv420", 0.51}, {"jpeg", 0.35}}) {
    cache_ = folder_ / codec;
    const auto made = build({"--codec", codec});
    EXPECT_LT(made.at("bytes").get<double>(), share * static_cast<double>(raw)) << codec;
    const auto trained =
        run_program(training(concat("run_", codec).c_str(), {"data.cache=" + cache_.string(),
                                                             concat("data.cache_codec=", codec), "train.max_steps=2"}));
    EXPECT_EQ(trained.exit_code, 0) << trained.err;
  }
}

TEST_F(DataCacheTest, CtrlCEndsALongDecodeAtOnce) {
  const auto shared = shared_dir();
  if (!shared) GTEST_SKIP() << kNoSharedDir;
  const auto video = folder_ / "long.mpg";  // program streams put together are one: about a minute's decoding
  {
    const auto bytes = read_file(*shared / "data/real_clips/asteroid_crater.mpg");
    std::ofstream out(video, std::ios::binary);
    for (int i = 0; i < 150; ++i) out << bytes;
  }
  auto rows = json::array();
  for (int i = 0; i < 8; ++i) {
    rows.push_back({{"id", concat(i)},
                    {"video", video.string()},
                    {"caption", concat("clip ", i)},
                    {"split", "train"},
                    {"start_s", 0},
                    {"end_s", 1000 + i}});
  }
  write_file(folder_ / "manifest.json", rows.dump());
  auto words = training("run", {"data.root=" + folder_.path().string(),
                                "data.val_split=", "data.test_split=", "video.timeout_s=600", "model.start=openai"});
  Program program(words);
  const auto start = std::chrono::steady_clock::now();
  while (program.running() && program.err().find("steps an epoch") == std::string::npos) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(500));  // the workers are in the middle of their files
  ASSERT_TRUE(program.running()) << program.err();
  const auto sent = std::chrono::steady_clock::now();
  program.send(SIGINT);
  const auto stopped = program.wait();
  EXPECT_EQ(stopped.exit_code, 128 + SIGINT) << stopped.err;
  EXPECT_FALSE(fs::exists(folder_ / "run/bad_files.jsonl"));
  const auto seconds = [](auto a, auto b) { return std::chrono::duration<double>(b - a).count(); };
  RecordProperty("stopped_after_ms", static_cast<int>(1000 * seconds(sent, std::chrono::steady_clock::now())));
  RecordProperty("ran_ms", static_cast<int>(1000 * seconds(start, sent)));
}

}  // namespace
}  // namespace glint::test
