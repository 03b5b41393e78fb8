#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <optional>
#include <thread>

#include "glint/core/atomic_file.h"
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

// The one child of this process, which is the decoder; none where there is none. It is listed with the thread that
// started it.
std::optional<pid_t> worker() {
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream children(thread.path() / "children");
    pid_t pid = 0;
    if (children >> pid) return pid;
  }
  return std::nullopt;
}

std::optional<std::filesystem::path> decode_program() {
  const char* glint = std::getenv("GLINT_PROGRAM");
  if (glint == nullptr) return std::nullopt;
  const auto program = std::filesystem::path(glint).parent_path() / "glint-decode";
  if (!std::filesystem::exists(program)) return std::nullopt;
  return program;
}

bool is_there(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(status, line)) return false;
  return line.substr(line.rfind(')') + 2, 1) != "Z";
}

bool goes_away(pid_t pid) {
  for (int i = 0; i < 100 && is_there(pid); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  return !is_there(pid);
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
    if (!program_) GTEST_SKIP() << "no glint-decode beside the glint that GLINT_PROGRAM names";
  }
  std::optional<std::filesystem::path> program_ = decode_program();
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

TEST_F(IsolatedReaderTest, ADecoderThatCrashesIsABadFileWithTheFileAndTheSignalAndIsReplaced) {
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
        ThrowsMessage<BadFile>(AllOf(HasSubstr("a.mp4"), HasSubstr("signal 11 (Segmentation fault)"))));
    EXPECT_THROW(reader.read_frames({0}, [](std::size_t, const Image&) {}), BadFile);
  }
  VideoReader again(path, isolated()), here(path);
  EXPECT_EQ(sized_hashes(again, {5, 6}), sized_hashes(here, {5, 6}));
  EXPECT_NE(worker(), first);
}

// Whoever kills it, the system for want of memory or a person: the file is not to blame.
TEST_F(IsolatedReaderTest, AKillInTheMiddleOfADecodeIsTheMachinesAffair) {
  const auto path = folder_ / "long.mp4";
  make_bars(path, 480, 360, 400, "mpeg4");  // one keyframe: the last frame takes all of them
  VideoReader reader(path, isolated());
  std::thread killer([pid = worker().value()] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    kill(pid, SIGKILL);
  });
  EXPECT_THAT([&] { reader.read_frames({399}, [](std::size_t, const Image&) {}); },
              ThrowsMessage<NotNow>(AllOf(HasSubstr("long.mp4"), HasSubstr("signal 9 (Killed)"))));
  killer.join();
}

TEST_F(IsolatedReaderTest, ADecoderThatDoesNotGetOnIsEndedAndTheFileIsNotToBlame) {
  const auto path = folder_ / "a.mp4";
  make_bars(path, 96, 64, 30);
  auto options = isolated();
  options.timeout_s = 0.3;  // ten times as long of waiting
  VideoReader reader(path, options);
  EXPECT_THAT(
      [&] {
        reader.read_frames({0, 9}, [&](std::size_t, const Image&) { kill(worker().value(), SIGSTOP); });
      },
      ThrowsMessage<NotNow>(AllOf(HasSubstr("a.mp4"), HasSubstr("did not get on for 3 s"))));
}

TEST_F(IsolatedReaderTest, MoreComputingThanAllowedIsABadFile) {
  const auto path = folder_ / "long.mp4";
  make_bars(path, 480, 360, 400, "mpeg4");
  auto options = isolated();
  options.timeout_s = 0.02;
  EXPECT_THAT([&] { VideoReader(path, options).read_frames({399}, [](std::size_t, const Image&) {}); },
              ThrowsMessage<BadFile>(AllOf(HasSubstr("long.mp4"), HasSubstr("took longer than 0.02 s"))));
}

TEST_F(IsolatedReaderTest, MoreMemoryThanAllowedIsAnErrorAndNoMore) {
  const auto path = folder_ / "large.mp4";
  make_bars(path, 3840, 2160, 2, "mpeg4");
  auto options = isolated();
  options.max_isolated_bytes = 40 << 20;
  EXPECT_THAT([&] { VideoReader(path, options).read_frames({1}, [](std::size_t, const Image&) {}); },
              ThrowsMessage<BadFile>(AllOf(HasSubstr("large.mp4"), HasSubstr("more memory than the 40 MiB"))));
  VideoReader reader(path, isolated()), here(path);
  EXPECT_EQ(sized_hashes(reader, {0, 1}), sized_hashes(here, {0, 1}));
}

TEST_F(IsolatedReaderTest, WorkersServeOneFileAfterTheOtherBadOnesToo) {
  make_bars(folder_ / "a.mp4", 96, 64, 3);
  write_file(folder_ / "text.mp4", "no video\n");
  std::optional<pid_t> first;
  for (int i = 0; i < 3; ++i) {
    {
      VideoReader reader(folder_ / "a.mp4", isolated());
      if (!first) first = worker();
      EXPECT_EQ(sized_hashes(reader, {2}).size(), 1U);
    }
    EXPECT_THAT([&] { VideoReader(folder_ / "none.mp4", isolated()); },
                ThrowsMessage<Error>(HasSubstr("none.mp4: no such file")));
    EXPECT_THAT([&] { VideoReader(folder_ / "text.mp4", isolated()); },
                ThrowsMessage<BadFile>(HasSubstr("text.mp4: no video that can be opened: it is text")));
    EXPECT_EQ(worker(), first);
  }
}

TEST_F(IsolatedReaderTest, KindsOfFailureComeBackAsTheyWere) {
  std::filesystem::create_symlink("/proc/self/mem", folder_ / "stricken.mp4");
  EXPECT_THAT([&] { VideoReader(folder_ / "stricken.mp4", isolated()); },
              ThrowsMessage<NotNow>(AllOf(HasSubstr("stricken.mp4"), HasSubstr("Input/output error"))));
  EXPECT_THROW(VideoReader(folder_ / "none.mp4", isolated()), Error);
}

TEST_F(IsolatedReaderTest, ADecoderMayDoNothingButDecode) {
  FILE* pipe = popen(("'" + program_->string() + "' --check").c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string said;
  for (char line[256]; std::fgets(line, sizeof line, pipe) != nullptr;) said += line;
  ASSERT_EQ(pclose(pipe), 0);
  EXPECT_THAT(said, HasSubstr("writing into files: refused"));
  EXPECT_THAT(said, HasSubstr("raising limits: refused"));
  if (said.find("opening a file: possible") != std::string::npos) GTEST_SKIP() << "built without libseccomp:\n" << said;
  for (const char* what : {"making a file", "network", "starting processes", "making code"}) {
    EXPECT_THAT(said, HasSubstr(std::string(what) + ": refused"));
  }
}

TEST_F(IsolatedReaderTest, ADecoderKnowsNothingOfTheEnvironment) {
  setenv("GLINT_SECRET_OF_THE_TEST", "seen", 1);
  make_bars(folder_ / "a.mp4", 96, 64, 3);
  const VideoReader reader(folder_ / "a.mp4", isolated());
  std::ifstream file("/proc/" + std::to_string(worker().value()) + "/environ");
  const std::string environment((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_EQ(environment.find("GLINT_SECRET"), std::string::npos);
  unsetenv("GLINT_SECRET_OF_THE_TEST");
}

// The thread that opened the file ends first: its decoders must stay, for they serve others. When the process is killed
// they must go, in the middle of a call too.
TEST_F(IsolatedReaderTest, DecodersOutliveTheThreadThatAskedForThemAndEndWithTheProcess) {
  make_bars(folder_ / "long.mp4", 480, 360, 400, "mpeg4");
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    std::optional<VideoReader> reader;
    std::thread([&] { reader.emplace(folder_ / "long.mp4", isolated()); }).join();
    pid_t decoder = worker().value_or(-1);
    for (int i = 0; i < 10; ++i) reader->read_frames({3}, [](std::size_t, const Image&) {});
    if (write(ends[1], &decoder, sizeof decoder) != sizeof decoder) _exit(1);
    while (true) reader->read_frames({399}, [](std::size_t, const Image&) {});
  }
  close(ends[1]);
  pid_t decoder = -1;
  ASSERT_EQ(read(ends[0], &decoder, sizeof decoder), static_cast<ssize_t>(sizeof decoder));
  EXPECT_TRUE(is_there(decoder));
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  EXPECT_TRUE(goes_away(decoder));
  close(ends[0]);
}

}  // namespace
}  // namespace glint::test
