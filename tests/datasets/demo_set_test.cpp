#include "glint/datasets/demo_set.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "datasets/demo_plan.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "support/decoded_file.h"
#include "support/environment.h"

namespace glint {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;

constexpr std::int64_t kClips = 13;  // 10 train, 1 val, 2 test: all kinds of files are among them

// Every file of the set under its relative name.
std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[fs::relative(entry.path(), folder).string()] = read_file(entry.path());
  }
  return files;
}

TEST(DemoSetTest, ManifestAndFilesAreWhatThePlanSays) {
  const TemporaryFolder folder;
  const auto summary = make_demo_set({.folder = folder / "set", .seed = 4, .clips = kClips});
  EXPECT_EQ(summary.train, 10);
  EXPECT_EQ(summary.val, 1);
  EXPECT_EQ(summary.test, 2);
  EXPECT_EQ(summary.rendered, kClips);
  const auto plan = demo::plan_demo_set(4, kClips);
  const auto manifest = nlohmann::json::parse(read_file(folder / "set" / "manifest.json"));
  ASSERT_EQ(manifest.size(), plan.size());
  const std::map<std::string, std::string> codecs = {
      {".mp4", "h264"}, {".mov", "h264"}, {".mkv", "vp9"}, {".avi", "mpeg4"}};
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const auto& kind = plan[i].file;
    const auto& row = manifest[i];
    SCOPED_TRACE(row.dump());
    EXPECT_EQ(row.at("split"), plan[i].split);
    EXPECT_EQ(row.at("captions"), plan[i].captions);
    EXPECT_EQ(row.value("tags", std::vector<std::string>()), plan[i].tags);
    const auto file = test::decode_file(folder / "set" / row.at("video").get<std::string>());
    EXPECT_EQ(file.video_codec, codecs.at(kind.extension));
    EXPECT_EQ(file.rotation, kind.rotation);
    EXPECT_EQ(file.audio_codec.empty(), !kind.audio);
    EXPECT_NEAR(file.times_s[0], 0, 1e-3);
    EXPECT_NEAR(file.times_s.back(), kind.duration_s, 0.15);
    EXPECT_LE(file.times_s.back() + 0.05, 8);
    if (!kind.variable_rate) {
      EXPECT_EQ(std::ssize(file.frames), std::llround(kind.duration_s * kind.fps_num / kind.fps_den));
    }
    EXPECT_EQ(file.frames[0].width, kind.rotation == 0 ? kind.width : kind.height);
  }
}

TEST(DemoSetTest, SameSeedGivesTheSameBytesOnAnyNumberOfThreads) {
  const TemporaryFolder folder;
  const auto one = make_demo_set({.folder = folder / "one", .clips = kClips, .threads = 1});
  const auto three = make_demo_set({.folder = folder / "three", .clips = kClips, .threads = 3});
  EXPECT_EQ(one.bytes, three.bytes);
  EXPECT_TRUE(contents(folder / "one") == contents(folder / "three"));
}

TEST(DemoSetTest, ContinuesWhereItWasInterrupted) {
  const TemporaryFolder folder;
  const DemoSetOptions options = {.folder = folder / "set", .clips = kClips};
  make_demo_set(options);
  const auto complete = contents(options.folder);
  // As a killed process leaves it: some videos missing, one half written elsewhere, no manifest.
  fs::remove(options.folder / "manifest.json");
  fs::remove(options.folder / "videos" / "train_0002.mkv");
  fs::remove(options.folder / "videos" / "test_0001.mp4");
  write_file(options.folder / ".unfinished" / "test_0001.mp4", "half");
  EXPECT_EQ(make_demo_set(options).rendered, 2);
  EXPECT_TRUE(contents(options.folder) == complete);
  const auto written = fs::last_write_time(options.folder / "manifest.json");
  EXPECT_EQ(make_demo_set(options).rendered, 0);
  EXPECT_EQ(fs::last_write_time(options.folder / "manifest.json"), written);
}

TEST(DemoSetTest, TheMarkerOfTheUsualSetSaysSeedAndClipsAlone) {
  const TemporaryFolder folder;
  make_demo_set({.folder = folder / "set", .seed = 4, .clips = kClips});
  EXPECT_EQ(read_file(folder / "set" / "demo_set.json"),
            R"({"format":"glint demo set","version":2,"seed":4,"clips":13})"
            "\n");
}

TEST(DemoSetTest, ASetOfMomentsIsWhatItsPlanSaysAndKeepsItsOptions) {
  const TemporaryFolder folder;
  const DemoMoments moments = {.min_events = 2, .max_events = 3, .min_seconds = 3, .max_seconds = 3.5};
  const DemoSetOptions options = {.folder = folder / "set", .clips = kClips, .moments = moments};
  EXPECT_EQ(make_demo_set(options).rendered, kClips);
  EXPECT_EQ(make_demo_set(options).rendered, 0);
  EXPECT_EQ(
      read_file(folder / "set" / "demo_set.json"),
      R"({"format":"glint demo set","version":2,"seed":1,"clips":13,"stories":"moments","events":[2,3],"seconds":[3.0,3.5]})"
      "\n");
  const auto plan = demo::plan_demo_set(1, kClips, moments);
  const auto manifest = nlohmann::json::parse(read_file(folder / "set" / "manifest.json"));
  ASSERT_EQ(manifest.size(), plan.size());
  for (std::size_t i = 0; i < plan.size(); ++i) {
    EXPECT_EQ(manifest[i].at("captions"), plan[i].captions);
    EXPECT_EQ(manifest[i].at("tags"), plan[i].tags);
    const auto file = test::decode_file(folder / "set" / manifest[i].at("video").get<std::string>());
    EXPECT_NEAR(file.times_s.back(), plan[i].file.duration_s, 0.15);
  }
}

void expect_error(const DemoSetOptions& options, const std::string& part) {
  try {
    make_demo_set(options);
    ADD_FAILURE() << "no Error: " << part;
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(part));
  }
}

TEST(DemoSetTest, WhatItCannotMakeIsOneSentenceAndTouchesNothing) {
  const TemporaryFolder folder;
  expect_error({.folder = folder / "few", .clips = 12}, "from 13 to 20000");
  expect_error({.folder = folder / "many", .clips = 20001}, "from 13 to 20000");
  EXPECT_FALSE(fs::exists(folder / "few"));
  const auto expect_moments_error = [&](std::int64_t clips, const DemoMoments& moments, const std::string& part) {
    expect_error({.folder = folder / "moments", .clips = clips, .moments = moments}, part);
  };
  expect_moments_error(2601, {}, "more than 2600");
  expect_moments_error(kClips, {.min_events = 1}, "1 to 4 events a clip: they must be from 2 to 8");
  expect_moments_error(kClips, {.max_events = 9}, "from 2 to 8");
  expect_moments_error(kClips, {.min_events = 6, .max_events = 5}, "the smaller number first");
  expect_moments_error(kClips, {.min_seconds = 2.9}, "2.9 to 6 seconds: they must be from 3 to 40");
  expect_moments_error(kClips, {.max_seconds = 40.1}, "from 3 to 40");
  expect_moments_error(kClips, {.min_seconds = 5, .max_seconds = 4}, "the smaller number first");
  expect_moments_error(kClips, {.max_seconds = std::nan("")}, "from 3 to 40");
  EXPECT_FALSE(fs::exists(folder / "moments"));
  write_file(folder / "mine" / "letter.txt", "dear");
  expect_error({.folder = folder / "mine", .clips = kClips}, "not empty");
  expect_error({.folder = folder / "mine" / "letter.txt", .clips = kClips}, "letter.txt");
  EXPECT_EQ(contents(folder / "mine").size(), 1u);
  write_file(folder / "set" / "demo_set.json", R"({"format":"glint demo set","version":1,"seed":9,"clips":13})");
  expect_error({.folder = folder / "set", .clips = kClips}, R"("seed":9)");
  EXPECT_EQ(contents(folder / "set").size(), 1u);
  write_file(folder / "usual" / "demo_set.json", R"({"format":"glint demo set","version":2,"seed":1,"clips":13})");
  expect_error({.folder = folder / "usual", .clips = kClips, .moments = DemoMoments{}}, "another demo set");
}

TEST(DemoSetTest, AVideoThatCannotBeWrittenStopsIt) {
  const TemporaryFolder folder;
  const DemoSetOptions options = {.folder = folder / "set", .clips = kClips};
  make_demo_set(options);
  fs::remove(options.folder / "videos" / "train_0005.mp4");
  fs::create_directories(options.folder / ".unfinished");
  fs::create_symlink("/dev/full", options.folder / ".unfinished" / "train_0005.mp4");
  expect_error(options, "No space left");
}

}  // namespace
}  // namespace glint
