#include "glint/media/video_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <random>
#include <set>

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
  return std::getenv("GLINT_EXHAUSTIVE") != nullptr ? 1LL << 40 : 40LL << 20;
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

TEST(VideoReaderTest, EveryGoodFileHasItsListedTimestamps) {
  const auto shared = shared_dir();
  if (!shared) GTEST_SKIP() << "GLINT_SHARED_DIR names no folder with data/videos";
  for (const auto& video : real_videos(*shared)) {
    if (!video.is_good) continue;
    const auto expected = listed_times(video);
    if (!video.is_damaged) expect_times(video, VideoReader(video.path).frame_times(), expected);
    ReaderOptions exact;
    exact.exact_times = true;
    expect_times(video, VideoReader(video.path, exact).frame_times(), expected);
  }
}

TEST(VideoReaderTest, AnySubsetGivesThePicturesOfDecodingInOrder) {
  const auto shared = shared_dir();
  if (!shared) GTEST_SKIP() << "GLINT_SHARED_DIR names no folder with data/videos";
  std::mt19937_64 random(7);
  for (const auto& video : real_videos(*shared)) {
    if (!video.is_good || video.is_damaged) continue;
    const auto expected = decode_plainly(video.path, bytes_per_file());
    ReaderOptions options;
    options.apply_rotation = false;
    VideoReader reader(video.path, options);
    for (int round = 0; round < 3; ++round) {
      const auto frames = random_subset(random, static_cast<std::int64_t>(expected.size()));
      const auto actual = hashes(reader, frames);
      ASSERT_EQ(actual.size(), frames.size()) << video.name;
      for (std::size_t i = 0; i < frames.size(); ++i) {
        ASSERT_EQ(actual[i], expected[frames[i]].hash) << video.name << ", frame " << frames[i] << ", round " << round;
      }
    }
    EXPECT_EQ(reader.lost_frames(), 0) << video.name;
  }
}

}  // namespace
}  // namespace glint::test
