#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <thread>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/media/plain_reader.h"
#include "glint/media/video_reader.h"
#include "media/marked_video.h"
#include "support/environment.h"

namespace glint::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Throws;
using testing::ThrowsMessage;

std::ptrdiff_t open_descriptors() {
  return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
}

// Files that are no video themselves, whatever they are called.
class ForeignInputTest : public testing::Test {
 protected:
  void SetUp() override { write_numbered(folder_ / "sound.mp4", 0, 10); }

  std::string holding(const std::string& name, const std::string& bytes) {
    const auto path = folder_ / name;
    write_file(path, bytes);
    return path.string();
  }

  TemporaryFolder folder_;
};

TEST_F(ForeignInputTest, AListOfOtherFilesOpensNoneOfThem) {
  const std::string video = (folder_ / "sound.mp4").string();
  const std::string lists[] = {
      "ffconcat version 1.0\nfile '" + video + "'\nduration 1\n",
      "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n" + video + "\n#EXT-X-ENDLIST\n",
      "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
      "a=rtpmap:96 H264/90000\n",
      "[playlist]\nFile1=" + video + "\nNumberOfEntries=1\n",
      "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"><Period/></MPD>\n",
      video + "\n"};
  for (const char* extension : {".mp4", ".m3u8", ".ts", ".txt"}) {
    for (std::size_t i = 0; i < std::size(lists); ++i) {
      const auto name = "list" + std::to_string(i) + extension;
      SCOPED_TRACE(name);
      const auto path = holding(name, lists[i]);
      const auto says = AllOf(HasSubstr(name), testing::AnyOf(HasSubstr("names other files"), HasSubstr("is text that"),
                                                              HasSubstr("is JSON text"), HasSubstr("is XML")));
      EXPECT_THAT([&] { VideoReader reader(path); }, ThrowsMessage<BadFile>(says));
      EXPECT_THAT([&] { PlainReader reader(path); }, ThrowsMessage<BadFile>(says));
    }
  }
}

// QuickTime may say that a track's data stand in another file (dref, alis).
TEST_F(ForeignInputTest, AMovieWhoseDataStandElsewhereGivesNoFrames) {
  std::string bytes = read_file(folder_ / "sound.mp4");
  const auto dref = bytes.find("dref");
  ASSERT_NE(dref, std::string::npos);
  // The flag "in this file" goes, and with it libav's reason to look here; the name is too short to be one.
  const auto flags = dref + 4 + 8 + 8;
  ASSERT_EQ(bytes.substr(flags - 4, 4), "url ");
  bytes.replace(flags - 4, 4, "alis");
  bytes[flags + 3] = 0;
  const auto path = holding("reference.mov", bytes);
  try {
    VideoReader reader(path);
    reader.read_frames({0}, [](std::size_t, const Image&) {});
  } catch (const BadFile& error) {
    EXPECT_THAT(error.what(), HasSubstr("reference.mov"));
  }
}

TEST_F(ForeignInputTest, AnEmptyFileATextAndAPointerAreCalledWhatTheyAre) {
  const auto says = [&](const std::string& name, const std::string& bytes, const char* words) {
    EXPECT_THAT([&] { VideoReader reader(holding(name, bytes)); },
                ThrowsMessage<BadFile>(AllOf(HasSubstr(name), HasSubstr(words))));
  };
  says("empty.mp4", "", "is empty");
  says("page.mp4", "<!DOCTYPE html>\n<html><body>404</body></html>\n", "is an HTML page");
  says("lfs.mp4", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "is a Git LFS pointer");
  says("picture.mp4", std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde", 33),
       "picture.mp4");
}

TEST_F(ForeignInputTest, NoFailureToOpenLeavesADescriptorOpen) {
  const auto sound = (folder_ / "sound.mp4").string();
  const auto text = holding("text.mp4", "no video\n"), cut = holding("cut.mp4", read_file(sound).substr(0, 600));
  const auto before = open_descriptors();
  for (int i = 0; i < 5; ++i) {
    ReaderOptions no_time, no_pixels;
    no_time.timeout_s = 0;
    no_pixels.max_pixels = 1;
    EXPECT_THROW(VideoReader(sound, no_time), BadFile);
    EXPECT_THROW(PlainReader(sound, no_time), BadFile);
    EXPECT_THROW(VideoReader(sound, no_pixels), BadFile);
    EXPECT_THROW(PlainReader(sound, no_pixels), BadFile);
    EXPECT_THROW(VideoReader{text}, BadFile);
    EXPECT_THROW(VideoReader{cut}, BadFile);
  }
  EXPECT_EQ(open_descriptors(), before);
}

// Reading at address 0 of a process's memory is EIO: a file that a stricken disk holds.
TEST_F(ForeignInputTest, AReadThatFailsIsNoVerdictOnTheFile) {
  const auto path = folder_ / "stricken.mp4";
  fs::create_symlink("/proc/self/mem", path);
  EXPECT_THAT([&] { VideoReader reader(path.string()); },
              ThrowsMessage<NotNow>(AllOf(HasSubstr("stricken.mp4"), HasSubstr("Input/output error"))));
  EXPECT_THAT([&] { PlainReader reader(path.string()); }, Throws<NotNow>());
}

TEST_F(ForeignInputTest, AFileThatMayNotBeReadIsTheUsersAffair) {
  const auto path = (folder_ / "sound.mp4").string();
  fs::permissions(path, fs::perms::none);
  fs::permissions(folder_.path(), fs::perms::all);
  const bool is_root = geteuid() == 0;
  if (is_root) {
    ASSERT_EQ(seteuid(65534), 0);
  }
  EXPECT_THAT([&] { VideoReader reader(path); },
              ThrowsMessage<Error>(HasSubstr("sound.mp4: the file cannot be opened: Permission denied")));
  if (is_root) {
    ASSERT_EQ(seteuid(0), 0);
  }
}

TEST_F(ForeignInputTest, WantOfDescriptorsIsNoVerdictOnTheFile) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer asks for descriptors of its own";
#endif
  const auto path = (folder_ / "sound.mp4").string();
  std::vector<int> taken;
  for (int next = dup(0); next >= 0; next = dup(0)) taken.push_back(next);
  EXPECT_THAT([&] { VideoReader reader(path); }, ThrowsMessage<NotNow>(HasSubstr("ulimit -n")));
  for (const int descriptor : taken) close(descriptor);
}

TEST_F(ForeignInputTest, WaitingIsNotTheFilesTime) {
  VideoReader warm((folder_ / "sound.mp4").string());
  ReaderOptions options;
  options.timeout_s = 0.5;
  VideoReader reader((folder_ / "sound.mp4").string(), options);
  int count = 0;
  reader.read_frames({0, 5}, [&](std::size_t, const Image&) {
    ++count;
    std::this_thread::sleep_for(std::chrono::milliseconds(900));
  });
  EXPECT_EQ(count, 2);
}

TEST_F(ForeignInputTest, ASuspendedProcessMakesNoFileBad) {
  ReaderOptions options;
  options.timeout_s = 0.2;  // ten times as long of waiting; the process is away for longer
  VideoReader reader((folder_ / "sound.mp4").string(), options);
  const auto stop = "kill -STOP " + std::to_string(getpid()) + "; sleep 3; kill -CONT " + std::to_string(getpid());
  int count = 0;
  reader.read_frames({0, 5}, [&](std::size_t position, const Image&) {
    ++count;
    if (position > 0) return;
    EXPECT_EQ(std::system(("(" + stop + ") & sleep 0.3").c_str()), 0);
  });
  EXPECT_EQ(count, 2);
}

TEST_F(ForeignInputTest, ComputingBeyondTheLimitIsAVerdict) {
  VideoWriterOptions large;
  large.codec = "mpeg4";
  write_numbered(folder_ / "long.avi", 0, 59, large);
  ReaderOptions options;
  options.timeout_s = 0.05;
  VideoReader reader((folder_ / "long.avi").string(), options);
  EXPECT_THAT(
      [&] {
        reader.read_frames({0, 5, 10}, [](std::size_t, const Image&) {
          const auto start = std::clock();
          while (std::clock() - start < CLOCKS_PER_SEC / 10) {
          }
        });
      },
      ThrowsMessage<BadFile>(AllOf(HasSubstr("long.avi"), HasSubstr("took longer"))));
}

TEST(VideoWriterNameTest, AColonInANameIsNoProtocol) {
  const TemporaryFolder folder;
  const auto before = fs::current_path();
  fs::current_path(folder.path());
  fs::create_directory("data:v2");
  write_numbered("data:v2/a:b.mp4", 0, 3);
  EXPECT_EQ(VideoReader("data:v2/a:b.mp4").frame_times().size(), 3U);
  fs::current_path(before);
}

}  // namespace
}  // namespace glint::test
