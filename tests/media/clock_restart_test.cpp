#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "glint/core/atomic_file.h"
#include "glint/media/plain_reader.h"
#include "glint/media/video_reader.h"
#include "media/clock_watch.h"
#include "media/marked_video.h"
#include "support/environment.h"

namespace glint::test {
namespace {

namespace fs = std::filesystem;

// Frames 0 to first - 1, then `second` more whose clock starts anew: two recordings of one kind put together as their
// container takes it.
class ClockRestartTest : public testing::Test {
 protected:
  std::string part(const std::string& extension, int first, int count, const std::string& codec) {
    const auto path = folder_ / ("part" + std::to_string(first) + extension);
    VideoWriterOptions options;
    options.codec = codec;
    options.gop = 12;
    if (extension != ".mp4") {
      write_numbered(path, first, count, options);
    } else {
      write_numbered(folder_ / "whole.mp4", first, count, options);
      remux(folder_ / "whole.mp4", path, {{"movflags", "frag_keyframe+empty_moov+default_base_moof"}});
    }
    return read_file(path);
  }

  std::string joined(const std::string& extension, int first, int second, const std::string& codec) {
    const auto one = part(extension, 0, first, codec), two = part(extension, first, second, codec);
    std::size_t header = 0;
    if (extension == ".flv") header = 13;                    // the file's header and the first tag's "previous size"
    if (extension == ".mp4") header = two.find("moof") - 4;  // ftyp and moov
    if (extension == ".mkv") header = two.find("\x1f\x43\xb6\x75");  // up to the first cluster
    const auto path = folder_ / ("joined" + extension);
    write_file(path, one + two.substr(header));
    return path.string();
  }

  void expect_ascending(const std::string& path, int count, double longest_s) {
    VideoReader reader(path);
    const auto& times_s = reader.frame_times();
    ASSERT_EQ(std::ssize(times_s), count);
    std::vector<std::int64_t> frames;
    for (int i = 0; i < count; ++i) frames.push_back(i);
    reader.read_frames(frames, [&](std::size_t position, const Image& image) {
      EXPECT_EQ(number_of(image), static_cast<int>(position));
    });
    EXPECT_EQ(reader.lost_frames(), 0);
    for (int i = 1; i < count; ++i) {
      EXPECT_GT(times_s[i], times_s[i - 1]) << i;
      EXPECT_NEAR(times_s[i] - times_s[i - 1], 0.04, 0.0021) << i;
    }
    EXPECT_LT(reader.info().duration_s, longest_s);
    PlainReader plain(path);
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(plain.next()) << i;
      if (!std::isnan(plain.time_s())) {  // not every frame of a program stream has a time
        EXPECT_NEAR(plain.time_s(), times_s[i], 1e-6) << i;
      }
      EXPECT_EQ(number_of(plain.image()), i);
    }
    EXPECT_FALSE(plain.next());
  }

  TemporaryFolder folder_;
};

TEST_F(ClockRestartTest, GoesOnWhereTheOldClockEndedInEveryContainer) {
  for (const auto& [extension, codec] :
       {std::pair{".flv", "libx264"}, std::pair{".ts", "libx264"}, std::pair{".mkv", "libx264"},
        std::pair{".mp4", "libx264"}, std::pair{".mkv", "libvpx-vp9"}, std::pair{".mpg", "mpeg2video"},
        std::pair{".ts", "mpeg2video"}, std::pair{".flv", "flv"}}) {
    SCOPED_TRACE(std::string(extension) + " " + codec);
    expect_ascending(joined(extension, 30, 30, codec), 60, 2.5);
  }
}

TEST_F(ClockRestartTest, AlsoWhereTheFirstPartIsShorterThanADecoderHoldsBack) {
  for (const char* extension : {".flv", ".ts", ".mkv", ".mp4"}) {
    SCOPED_TRACE(extension);
    expect_ascending(joined(extension, 7, 40, "libx264"), 47, 2);
  }
}

TEST_F(ClockRestartTest, AlsoWhereTheSecondPartIsShorter) {
  for (const char* extension : {".flv", ".ts", ".mkv", ".mp4"}) {
    SCOPED_TRACE(extension);
    expect_ascending(joined(extension, 40, 5, "libx264"), 45, 2);
  }
}

TEST_F(ClockRestartTest, TheFieldsFlvHasFiftyRedFramesThenFiftyBlue) {
  const auto shared = shared_dir();
  if (!shared || !fs::exists(*shared / "data" / "field")) GTEST_SKIP() << kNoSharedDir;
  VideoReader reader((*shared / "data" / "field" / "restart13.flv").string());
  ASSERT_EQ(reader.frame_times().size(), 100U);
  EXPECT_NEAR(reader.info().duration_s, 4, 0.1);
  std::vector<std::int64_t> frames;
  for (int i = 0; i < 100; ++i) frames.push_back(i);
  reader.read_frames(frames, [](std::size_t position, const Image& image) {
    EXPECT_EQ(image.rgb[0] > image.rgb[2], position < 50) << position;
  });
  EXPECT_EQ(reader.lost_frames(), 0);
}

TEST(ClockWatchTest, ReorderingIsNoNewClock) {
  media::ClockWatch watch;
  EXPECT_FALSE(watch.begins_anew(0, true));
  for (const std::int64_t time : {16, 8, 4, 2, 1, 3, 6, 5, 7, 12, 10, 9, 11, 14, 13, 15}) {
    EXPECT_FALSE(watch.begins_anew(time, false)) << time;
  }
  EXPECT_FALSE(watch.begins_anew(32, true));
  EXPECT_FALSE(watch.begins_anew(24, false));
}

TEST(ClockWatchTest, OneWrongTimeIsNoNewClock) {
  media::ClockWatch watch;
  for (const std::int64_t time : {0, 40, 80, 1'000'000'000, 120, 160}) EXPECT_FALSE(watch.begins_anew(time, false));
  EXPECT_FALSE(watch.begins_anew(200, true));
  for (int time = 240; time < 2000; time += 40) EXPECT_FALSE(watch.begins_anew(time, time % 400 == 0)) << time;
}

TEST(ClockWatchTest, AStepBackBeyondReorderingIsNew) {
  media::ClockWatch watch;
  for (int time = 0; time < 18; ++time) EXPECT_FALSE(watch.begins_anew(time, false));
  EXPECT_TRUE(watch.begins_anew(0, false));
  EXPECT_FALSE(watch.begins_anew(1, false));
  EXPECT_FALSE(watch.begins_anew(2, false));
  EXPECT_TRUE(watch.begins_anew(0, true));
}

}  // namespace
}  // namespace glint::test
