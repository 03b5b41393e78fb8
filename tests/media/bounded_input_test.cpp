#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/media/plain_reader.h"
#include "glint/media/video_reader.h"
#include "glint/media/video_writer.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::int64_t kMebibyte = 1 << 20;

void make_video(const std::filesystem::path& path, int width, int height, int num_frames) {
  VideoWriterOptions options;
  options.codec = "mpeg4";
  options.width = width;
  options.height = height;
  VideoWriter writer(path, options);
  Image image(width, height);
  for (int time = 0; time < num_frames; ++time) {
    image.rgb[static_cast<std::size_t>(time) % image.rgb.size()] ^= 255;
    writer.add(image, time);
  }
  writer.finish();
}

// Reads these frames in a process that may have no more than `memory_mib`, where there is a glint-decode to do it, else
// here.
// -> how many came.
std::int64_t read_within(std::int64_t memory_mib, const std::filesystem::path& path,
                         const std::vector<std::int64_t>& frames) {
  ReaderOptions options;
  options.timeout_s = 60;
  const char* program = std::getenv("GLINT_PROGRAM");
  options.isolate =
      program != nullptr && std::filesystem::exists(std::filesystem::path(program).parent_path() / "glint-decode");
  options.max_isolated_bytes = memory_mib * kMebibyte;
  VideoReader reader(path, options);
  std::int64_t count = 0;
  reader.read_frames(frames, [&](std::size_t, const Image&) { ++count; });
  return count;
}

class BoundedInputTest : public testing::Test {
 protected:
  TemporaryFolder folder_;
};

TEST_F(BoundedInputTest, AnEightKPictureIsReadWithinAGigabyte) {
  const auto path = folder_ / "8k.avi";
  make_video(path, 7680, 4320, 2);
  EXPECT_EQ(read_within(1024, path, {1}), 1);
  ReaderOptions small;
  small.max_pixels = 7680 * 4320 - 1;
  EXPECT_THAT([&] { VideoReader(path, small); }, ThrowsMessage<Error>(HasSubstr("8k.avi: pictures of 7680x4320")));
  EXPECT_THAT([&] { PlainReader(path, small); }, ThrowsMessage<Error>(HasSubstr("8k.avi: pictures of 7680x4320")));
}

TEST_F(BoundedInputTest, AHundredThousandFramesAreListedAndAnyOfThemRead) {
  const auto path = folder_ / "long.mp4";
  make_video(path, 16, 16, 100'000);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(read_within(512, path, {0, 50'000, 99'999}), 3);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
  EXPECT_EQ(VideoReader(path).frame_times().size(), 100'000U);
  ReaderOptions few;
  few.max_frames = 99'999;
  EXPECT_THAT([&] { VideoReader(path, few); }, ThrowsMessage<Error>(HasSubstr("99999")));
}

// A picture of 65535 x 65535 in 35 bytes.
TEST_F(BoundedInputTest, AHeaderThatClaimsAnEnormousPictureIsRefused) {
  const std::string gif("GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0\2\2D\1\0;", 35);
  const auto path = folder_ / "bomb.gif";
  write_file(path, gif);
  EXPECT_THAT([&] { read_within(256, path, {0}); }, ThrowsMessage<Error>(HasSubstr("bomb.gif")));
  EXPECT_FALSE(PlainReader(path).next());
}

// Sample counts, picture sizes and box sizes, each replaced by what the field can hold at most.
TEST_F(BoundedInputTest, AHeaderThatClaimsEnormousNumbersStaysWithinBounds) {
  const auto whole_path = folder_ / "whole.mp4";
  make_video(whole_path, 64, 48, 20);
  const std::string whole = read_file(whole_path);
  const auto path = folder_ / "claims.mp4";
  struct Claim {
    const char* box;
    std::size_t offset, bytes;
  };
  for (const auto& [box, offset, bytes] :
       {Claim{"stsz", 12, 4}, Claim{"stts", 8, 4}, Claim{"stts", 12, 4}, Claim{"stco", 8, 4}, Claim{"stsc", 8, 4},
        Claim{"mp4v", 28, 4}, Claim{"mdhd", 20, 4}, Claim{"elst", 8, 4}}) {
    const auto at = whole.find(box);
    if (at == std::string::npos) continue;
    std::string claiming = whole;
    for (std::size_t i = 0; i < bytes; ++i) claiming[at + offset + i] = i == 0 ? '\x7f' : '\xff';
    write_file(path, claiming);
    const auto start = std::chrono::steady_clock::now();
    try {
      EXPECT_EQ(read_within(768, path, {0}), 1) << box;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("claims.mp4")) << box;
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60)) << box;
  }
}

TEST_F(BoundedInputTest, WhatNeverEndsIsRefusedOrEndsInTime) {
  for (const char* device : {"/dev/zero", "/dev/random"}) {
    const auto link = folder_ / (std::filesystem::path(device).filename().string() + ".mp4");
    std::filesystem::create_symlink(device, link);
    for (const auto& path : {std::filesystem::path(device), link}) {
      EXPECT_THAT([&] { VideoReader{path.string()}; }, ThrowsMessage<Error>(HasSubstr("not a regular file")));
      EXPECT_THAT([&] { PlainReader{path.string()}; }, ThrowsMessage<Error>(HasSubstr("not a regular file")));
    }
  }
  // A terabyte of zeros that takes no room on the disk.
  for (const char* name : {"zeros.mp4", "zeros.ts", "zeros.mpg"}) {
    const auto path = folder_ / name;
    write_file(path, "");
    std::error_code problem;
    std::filesystem::resize_file(path, std::uintmax_t{1} << 40, problem);
    if (problem) GTEST_SKIP() << "this file system holds no file of a terabyte";
    ReaderOptions options;
    options.timeout_s = 1;
    const auto start = std::chrono::steady_clock::now();
    EXPECT_THAT([&] { VideoReader(path, options); }, ThrowsMessage<Error>(HasSubstr(name)));
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30)) << name;
  }
}

}  // namespace
}  // namespace glint::test
