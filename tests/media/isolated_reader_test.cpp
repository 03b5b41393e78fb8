#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <optional>
#include <thread>

#include "glint/core/error.h"
#include "glint/core/hash.h"
#include "glint/media/video_reader.h"
#include "glint/media/video_writer.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

void make_bars(const std::filesystem::path& path, int width, int height, int num_frames,
               const std::string& codec = "libx264") {
  VideoWriterOptions options;
  options.codec = codec;
  options.width = width;
  options.height = height;
  options.gop = num_frames;
  options.rotation = 90;
  VideoWriter writer(path, options);
  Image image(width, height);
  for (int time = 0; time < num_frames; ++time) {
    for (std::size_t i = 0; i < image.rgb.size(); i += 7) image.rgb[i] = static_cast<std::uint8_t>(i / 50 + time * 9);
    writer.add(image, time);
  }
  writer.finish();
}

ReaderOptions isolated() {
  ReaderOptions options;
  options.isolate = true;
  return options;
}

// The one child of this process, which is the decoder; none where there is none.
std::optional<pid_t> worker() {
  std::ifstream children("/proc/self/task/" + std::to_string(getpid()) + "/children");
  pid_t pid = 0;
  if (children >> pid) return pid;
  return std::nullopt;
}

std::vector<std::uint64_t> sized_hashes(VideoReader& reader, const std::vector<std::int64_t>& frames) {
  std::vector<std::uint64_t> result;
  reader.read_frames(frames, [&](std::size_t, const Image& image) {
    result.push_back(xxhash64(image.rgb.data(), image.rgb.size()) + static_cast<std::uint64_t>(image.width));
  });
  return result;
}

class IsolatedReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* program = std::getenv("GLINT_PROGRAM");
    if (program == nullptr || !std::filesystem::exists(program)) GTEST_SKIP() << "GLINT_PROGRAM names no glint";
  }
  TemporaryFolder folder_;
};

TEST_F(IsolatedReaderTest, GivesTheSameFactsTimesAndPixels) {
  const auto path = folder_ / "a.mp4";
  make_bars(path, 96, 64, 30);
  VideoReader here(path), there(path, isolated());
  EXPECT_EQ(there.frame_times(), here.frame_times());
  EXPECT_EQ(there.info().width, 64);
  EXPECT_EQ(there.info().height, 96);
  EXPECT_EQ(there.info().rotation, 90);
  EXPECT_EQ(there.info().average_fps, here.info().average_fps);
  EXPECT_EQ(there.info().duration_s, here.info().duration_s);
  EXPECT_EQ(there.info().codec, "h264");
  EXPECT_EQ(there.info().container, here.info().container);
  EXPECT_EQ(there.frame_at(0.5), here.frame_at(0.5));
  EXPECT_EQ(sized_hashes(there, {0, 3, 3, 29}), sized_hashes(here, {0, 3, 3, 29}));
  EXPECT_THROW(there.read_frames({1, 2}, [](std::size_t, const Image&) { throw std::range_error("enough"); }),
               std::range_error);
  EXPECT_EQ(sized_hashes(there, {7, 20}), sized_hashes(here, {7, 20}));
  EXPECT_GT(there.time_spent().decode_s, 0);
  EXPECT_EQ(there.lost_frames(), 0);
}

TEST_F(IsolatedReaderTest, ADecoderThatDiesIsAnErrorWithTheFileAndTheSignalAndIsReplaced) {
  const auto path = folder_ / "a.mp4";
  make_bars(path, 96, 64, 30);
  std::optional<pid_t> first;
  {
    VideoReader reader(path, isolated());
    first = worker();
    ASSERT_TRUE(first);
    EXPECT_THAT(
        [&] {
          reader.read_frames({0, 9, 20}, [&](std::size_t, const Image&) { kill(*first, SIGSEGV); });
        },
        ThrowsMessage<Error>(AllOf(HasSubstr("a.mp4"), HasSubstr("signal 11 (Segmentation fault)"))));
    EXPECT_THROW(reader.read_frames({0}, [](std::size_t, const Image&) {}), Error);
  }
  VideoReader again(path, isolated()), here(path);
  EXPECT_EQ(sized_hashes(again, {5, 6}), sized_hashes(here, {5, 6}));
  EXPECT_NE(worker(), first);
}

TEST_F(IsolatedReaderTest, AKillInTheMiddleOfADecodeIsAnError) {
  const auto path = folder_ / "long.mp4";
  make_bars(path, 480, 360, 400, "mpeg4");  // one keyframe: the last frame takes all of them
  VideoReader reader(path, isolated());
  std::thread killer([pid = worker().value()] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    kill(pid, SIGKILL);
  });
  EXPECT_THAT([&] { reader.read_frames({399}, [](std::size_t, const Image&) {}); },
              ThrowsMessage<Error>(AllOf(HasSubstr("long.mp4"), HasSubstr("signal 9 (Killed)"))));
  killer.join();
}

TEST_F(IsolatedReaderTest, AStuckDecoderIsEndedWhenItsTimeIsOver) {
  const auto path = folder_ / "a.mp4";
  make_bars(path, 96, 64, 30);
  auto options = isolated();
  options.timeout_s = 3;
  VideoReader reader(path, options);
  EXPECT_THAT(
      [&] {
        reader.read_frames({0, 9}, [&](std::size_t, const Image&) { kill(worker().value(), SIGSTOP); });
      },
      ThrowsMessage<Error>(AllOf(HasSubstr("a.mp4"), HasSubstr("took longer than 3 s"), HasSubstr("signal 9"))));
}

TEST_F(IsolatedReaderTest, MoreMemoryThanAllowedIsAnErrorAndNoMore) {
  const auto path = folder_ / "large.mp4";
  make_bars(path, 3840, 2160, 2, "mpeg4");
  auto options = isolated();
  options.max_isolated_bytes = 40 << 20;
  EXPECT_THAT([&] { VideoReader(path, options).read_frames({1}, [](std::size_t, const Image&) {}); },
              ThrowsMessage<Error>(AllOf(HasSubstr("large.mp4"), HasSubstr("more memory than the 40 MiB"))));
  VideoReader reader(path, isolated()), here(path);
  EXPECT_EQ(sized_hashes(reader, {0, 1}), sized_hashes(here, {0, 1}));
}

TEST_F(IsolatedReaderTest, WorkersServeOneFileAfterTheOther) {
  make_bars(folder_ / "a.mp4", 96, 64, 3);
  std::optional<pid_t> first;
  for (int i = 0; i < 3; ++i) {
    VideoReader reader(folder_ / "a.mp4", isolated());
    if (!first) first = worker();
    EXPECT_EQ(worker(), first);
    EXPECT_EQ(sized_hashes(reader, {2}).size(), 1U);
    EXPECT_THAT([&] { VideoReader(folder_ / "none.mp4", isolated()); },
                ThrowsMessage<Error>(HasSubstr("none.mp4: no such file")));
  }
}

}  // namespace
}  // namespace glint::test
