#include "glint/media/video_writer.h"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "support/decoded_file.h"
#include "support/environment.h"

namespace glint {
namespace {

using test::DecodedFile;
using test::TemporaryFolder;

constexpr int kWidth = 96;
constexpr int kHeight = 64;

// A bright bar that moves with `step` over a plain ground; left half reddish, so that turning shows.
Image picture(int step) {
  Image image(kWidth, kHeight);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      std::uint8_t* pixel = image.row(y) + 3 * x;
      const bool bar = x / 8 == step % (kWidth / 8);
      pixel[0] = bar ? 230 : x < kWidth / 2 ? 160 : 60;
      pixel[1] = bar ? 230 : 60;
      pixel[2] = bar ? 230 : 60;
    }
  }
  return image;
}

std::string write(const std::filesystem::path& path, VideoWriterOptions options,
                  const std::vector<std::int64_t>& times) {
  options.width = kWidth;
  options.height = kHeight;
  VideoWriter writer(path.string(), options);
  for (std::size_t i = 0; i < times.size(); ++i) writer.add(picture(static_cast<int>(i)), times[i]);
  writer.finish();
  return path.string();
}

std::vector<std::int64_t> steady(int frames) {
  std::vector<std::int64_t> times(static_cast<std::size_t>(frames));
  for (int i = 0; i < frames; ++i) times[static_cast<std::size_t>(i)] = i;
  return times;
}

double mean_difference(const Image& a, const Image& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) sum += std::abs(a.rgb[i] - b.rgb[i]);
  return sum / static_cast<double>(a.rgb.size());
}

struct Kind {
  const char* file;
  const char* codec;
  const char* container;
  const char* decoded_as;
  const char* audio;
};
const std::vector<Kind> kKinds = {
    {"a.mp4", "libx264", "mov,mp4,m4a,3gp,3g2,mj2", "h264", "aac"},
    {"a.mov", "libx264", "mov,mp4,m4a,3gp,3g2,mj2", "h264", "aac"},
    {"a.mkv", "libvpx-vp9", "matroska,webm", "vp9", "aac"},
    {"a.webm", "libvpx-vp9", "matroska,webm", "vp9", "opus"},
    {"a.avi", "mpeg4", "avi", "mpeg4", "mp2"},
};

TEST(VideoWriterTest, EveryContainerGivesItsPicturesBackAtTheirTimes) {
  const TemporaryFolder folder;
  for (const auto& kind : kKinds) {
    SCOPED_TRACE(kind.file);
    VideoWriterOptions options;
    options.codec = kind.codec;
    options.fps_num = 30000;
    options.fps_den = 1001;
    options.gop = 10;
    const auto file = test::decode_file(write(folder / kind.file, options, steady(31)));
    EXPECT_EQ(file.container, kind.container);
    EXPECT_EQ(file.video_codec, kind.decoded_as);
    EXPECT_EQ(file.audio_codec, "");
    EXPECT_EQ(file.rotation, 0);
    ASSERT_EQ(file.frames.size(), 31u);
    for (int i = 0; i < 31; ++i) {
      EXPECT_NEAR(file.times_s[i], i * 1001.0 / 30000, 6e-4) << i;  // Matroska keeps milliseconds
      EXPECT_LT(mean_difference(file.frames[i], picture(i)), 10) << i;
    }
    EXPECT_NEAR(file.end_s, 31 * 1001.0 / 30000, 2e-3);
  }
}

TEST(VideoWriterTest, GapsMakeAVariableFrameRate) {
  const TemporaryFolder folder;
  const std::vector<std::int64_t> times = {0, 2, 3, 7, 13, 14, 18, 20, 29, 30, 36};
  VideoWriterOptions options;
  options.fps_num = 60;
  options.variable_rate = true;
  for (const auto& [name, codec] : {std::pair{"v.mp4", "libx264"}, std::pair{"v.mkv", "libvpx-vp9"}}) {
    SCOPED_TRACE(name);
    options.codec = codec;
    const auto file = test::decode_file(write(folder / name, options, times));
    ASSERT_EQ(file.times_s.size(), times.size());
    for (std::size_t i = 0; i < times.size(); ++i) {
      EXPECT_NEAR(file.times_s[i], static_cast<double>(times[i]) / 60, 6e-4);
      EXPECT_LT(mean_difference(file.frames[i], picture(static_cast<int>(i))), 10) << i;
    }
    EXPECT_FALSE(file.average_fps > 20);  // not the 60 of the time base; Matroska says nothing
  }
}

TEST(VideoWriterTest, H264HoldsBFramesSoThatReadersMeetThem) {
  const TemporaryFolder folder;
  EXPECT_TRUE(test::decode_file(write(folder / "b.mp4", {}, steady(40))).has_b_frames);
}

TEST(VideoWriterTest, ToneLastsAsLongAsThePictures) {
  const TemporaryFolder folder;
  for (const auto& kind : kKinds) {
    SCOPED_TRACE(kind.file);
    VideoWriterOptions options;
    options.codec = kind.codec;
    options.audio = true;
    const auto file = test::decode_file(write(folder / kind.file, options, steady(25)));
    EXPECT_EQ(file.frames.size(), 25u);
    EXPECT_EQ(file.audio_codec, kind.audio);
    EXPECT_GE(file.audio_s, 1.0 - 0.03);
    EXPECT_LE(file.audio_s, 1.0 + 0.09);
    EXPECT_GT(file.audio_level, 0.02);
    EXPECT_LT(file.audio_level, 0.12);
  }
}

TEST(VideoWriterTest, RotationReachesTheDecoderInDegreesClockwise) {
  const TemporaryFolder folder;
  for (const int degrees : {90, 180, 270}) {
    for (const char* name : {"r.mp4", "r.mov"}) {
      VideoWriterOptions options;
      options.rotation = degrees;
      EXPECT_EQ(test::decode_file(write(folder / name, options, steady(3))).rotation, degrees) << name;
    }
  }
}

TEST(VideoWriterTest, EqualPicturesGiveEqualBytes) {
  const TemporaryFolder folder;
  for (const auto& kind : kKinds) {
    VideoWriterOptions options;
    options.codec = kind.codec;
    options.audio = true;
    const auto first = read_file(write(folder / kind.file, options, steady(30)));
    for (int i = 0; i < 3; ++i) {
      const std::vector<char> other_heap(std::size_t{100000}, static_cast<char>(i + 1));  // what codecs read unwritten
      EXPECT_TRUE(read_file(write(folder / kind.file, options, steady(30))) == first) << kind.file;
    }
  }
}

TEST(VideoWriterTest, OnePictureIsAVideo) {
  const TemporaryFolder folder;
  EXPECT_EQ(test::decode_file(write(folder / "one.mp4", {}, {0})).frames.size(), 1u);
}

void expect_error(const std::filesystem::path& path, const VideoWriterOptions& options, const std::string& part) {
  try {
    write(path, options, steady(2));
    ADD_FAILURE() << "no Error for " << path;
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(path.string()));
    EXPECT_THAT(error.what(), testing::HasSubstr(part));
  }
}

TEST(VideoWriterTest, WhatCannotBeWrittenIsOneSentenceWithTheFile) {
  const TemporaryFolder folder;
  VideoWriterOptions options;
  expect_error(folder / "missing" / "a.mp4", options, "No such file");
  expect_error(folder / "a.unknown", options, "extension");
  options.codec = "no_such_codec";
  expect_error(folder / "a.mp4", options, "no encoder 'no_such_codec'");
  options.codec = "libx264";
  expect_error(folder / "a.webm", options, "cannot be");
  options.rotation = 90;
  expect_error(folder / "a.mkv", options, "only .mp4 and .mov");
}

TEST(VideoWriterTest, FullDiskIsAnErrorNotAShortFile) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "/dev/full is not on this machine";
  const TemporaryFolder folder;
  std::filesystem::create_symlink("/dev/full", folder / "full.mp4");
  expect_error(folder / "full.mp4", {}, "No space left");
}

TEST(VideoWriterTest, WrongUseIsABug) {
  const TemporaryFolder folder;
  VideoWriterOptions options;
  options.width = 33;
  options.height = 32;
  EXPECT_THROW(VideoWriter((folder / "odd.mp4").string(), options), Bug);
  options.width = kWidth;
  options.height = kHeight;
  VideoWriter writer((folder / "a.mp4").string(), options);
  writer.add(picture(0), 5);
  EXPECT_THROW(writer.add(picture(1), 5), Bug);
  EXPECT_THROW(writer.add(Image(32, 32), 6), Bug);
}

}  // namespace
}  // namespace glint
