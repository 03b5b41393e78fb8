#include "glint/data/clip_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <set>
#include <thread>

#include "data/tiny_video.h"
#include "glint/core/error.h"
#include "support/descriptor_limit.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

class ClipSourceTest : public testing::Test {
 protected:
  ClipSourceTest() {
    video_.num_frames = 5;
    video_.image_size = 4;
    video_.sampling = "glscl";
  }
  Clip clip(const std::string& name) const {
    Clip clip;
    clip.id = name;
    clip.file = folder_ / name;
    return clip;
  }
  void break_file(const std::string& name) const { std::ofstream(folder_ / name) << "no video"; }

  TemporaryFolder folder_;
  DataConfig data_;
  VideoConfig video_;
};

TEST_F(ClipSourceTest, AShortClipIsPaddedAndMasked) {
  write_tiny_video(folder_ / "a.y4m", 6, 2);  // 3 seconds: frames 0, 2, 4 at one a second
  ClipSource source(data_, video_);
  const auto frames = source.read(clip("a.y4m"));
  EXPECT_EQ(frames.error, "");
  EXPECT_EQ(frames.frames.sizes(), (torch::IntArrayRef{5, 3, 4, 4}));
  EXPECT_TRUE(torch::equal(frames.mask, torch::tensor({1, 1, 1, 0, 0}, torch::kInt64)));
  EXPECT_EQ(frames.frames.slice(0, 3).max().item<int>(), 0);
  const auto grey = frames.frames.select(1, 0).select(1, 0).select(1, 0);  // [T], one pixel of each
  EXPECT_LT(grey[0].item<int>(), grey[1].item<int>());
  EXPECT_LT(grey[1].item<int>(), grey[2].item<int>());
}

TEST_F(ClipSourceTest, AWindowShowsItsOwnFrames) {
  write_tiny_video(folder_ / "a.y4m", 8, 2);
  ClipSource source(data_, video_);
  auto window = clip("a.y4m");
  const auto whole = source.read(window);
  window.start_s = 2;
  window.end_s = 3;
  const auto part = source.read(window);
  EXPECT_EQ(part.mask.sum().item<int>(), 2);
  EXPECT_TRUE(torch::equal(part.frames[0], whole.frames[2]));
  window.start_s = 100;
  window.end_s = 101;
  EXPECT_THAT(source.read(window).error, HasSubstr("a.y4m: no frame stands between start_s and end_s"));
}

TEST_F(ClipSourceTest, OfALongClipOnlyTheFirstSecondsAreSeen) {
  write_tiny_video(folder_ / "a.y4m", 8, 2);  // 4 seconds
  const auto read = [&](double max_seconds, const Clip& one) {
    video_.max_seconds = max_seconds;
    return ClipSource(data_, video_).read(one);
  };
  auto window = clip("a.y4m");
  const auto whole = read(0, window), longer = read(9, window), cut = read(1, window);
  EXPECT_TRUE(torch::equal(longer.frames, whole.frames));
  EXPECT_TRUE(torch::equal(longer.mask, whole.mask));
  EXPECT_EQ(whole.mask.sum().item<int>(), 4);
  EXPECT_EQ(cut.mask.sum().item<int>(), 2);  // at 0 and 1 s
  EXPECT_TRUE(torch::equal(cut.frames.slice(0, 0, 2), whole.frames.slice(0, 0, 2)));
  window.start_s = 2;
  const auto later = read(1, window);
  EXPECT_EQ(later.mask.sum().item<int>(), 2);
  EXPECT_TRUE(torch::equal(later.frames[0], whole.frames[2]));
}

TEST_F(ClipSourceTest, ABadFileGivesItsCauseAndAnEmptyMask) {
  break_file("bad.mp4");
  ClipSource source(data_, video_);
  testing::internal::CaptureStderr();
  const auto frames = source.read(clip("bad.mp4"));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");  // the caller tells of it, once
  EXPECT_THAT(frames.error, HasSubstr("bad.mp4"));
  EXPECT_EQ(frames.mask.sum().item<int>(), 0);
  EXPECT_EQ(frames.frames.sizes(), (torch::IntArrayRef{5, 3, 4, 4}));
  EXPECT_EQ(frames.frames.max().item<int>(), 0);
}

TEST_F(ClipSourceTest, AFileThatIsGoneIsNoBadFileAndIsReadOnceItIsBack) {
  ClipSource source(data_, video_);
  EXPECT_THAT([&] { source.read(clip("a.y4m")); },
              ThrowsMessage<Error>(HasSubstr("a.y4m: was there when the work began and is not there now")));
  auto reading = std::async(std::launch::async, [&] { return source.read(clip("a.y4m")).error; });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // the first try is over, the second is yet to come
  write_tiny_video(folder_ / "whole", 4, 2);
  std::filesystem::rename(folder_ / "whole", folder_ / "a.y4m");
  EXPECT_EQ(reading.get(), "");
}

TEST_F(ClipSourceTest, AFileThatTakesTooMuchComputingIsBad) {
  write_tiny_video(folder_ / "a.y4m", 4, 2);
  video_.timeout_s = 1e-9;
  ClipSource source(data_, video_);
  EXPECT_THAT(source.read(clip("a.y4m")).error, AllOf(HasSubstr("a.y4m"), HasSubstr("video.timeout_s")));
}

TEST_F(ClipSourceTest, WantOfDescriptorsIsNoVerdictOnTheFile) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer asks for descriptors of its own";
#endif
  write_tiny_video(folder_ / "a.y4m", 4, 2);
  ClipSource source(data_, video_);
  {
    const NoMoreDescriptors shortage;
    EXPECT_THAT([&] { source.read(clip("a.y4m")); },
                ThrowsMessage<NotNow>(AllOf(HasSubstr("a.y4m"), HasSubstr("twice"))));
  }
  EXPECT_EQ(source.read(clip("a.y4m")).error, "");
}

TEST_F(ClipSourceTest, AClipThatWasFoundBadBeforeIsNotLookedAt) {
  write_tiny_video(folder_ / "a.y4m", 4, 2);
  ClipSource source(data_, video_);
  source.leave_out(clip("a.y4m"), "was damaged yesterday");
  const auto frames = source.read(clip("a.y4m"));
  EXPECT_EQ(frames.error, "was damaged yesterday");
  EXPECT_EQ(frames.mask.sum().item<int>(), 0);
}

TEST_F(ClipSourceTest, AFailureIsRememberedAndSoAreClipsThatFitTheCache) {
  write_tiny_video(folder_ / "a.y4m", 4, 2);
  data_.cache_mb = 1;
  ClipSource keeps(data_, video_);
  data_.cache_mb = 0;
  ClipSource forgets(data_, video_);
  const auto first = keeps.read(clip("a.y4m"));
  EXPECT_EQ(forgets.read(clip("a.y4m")).error, "");
  break_file("b.y4m");
  EXPECT_NE(keeps.read(clip("b.y4m")).error, "");
  write_tiny_video(folder_ / "b.y4m", 4, 2);
  break_file("a.y4m");
  EXPECT_TRUE(torch::equal(keeps.read(clip("a.y4m")).frames, first.frames));
  EXPECT_NE(forgets.read(clip("a.y4m")).error, "");
  EXPECT_NE(keeps.read(clip("b.y4m")).error, "");
}

TEST_F(ClipSourceTest, TheCacheHoldsNoMoreThanItMay) {
  video_.image_size = 224;  // 5 x 3 x 224 x 224 bytes: 0.72 MiB a clip, so that one of two fits
  data_.cache_mb = 1;
  write_tiny_video(folder_ / "a.y4m", 10, 2);
  write_tiny_video(folder_ / "b.y4m", 10, 2);
  ClipSource source(data_, video_);
  source.read(clip("a.y4m"));
  source.read(clip("b.y4m"));
  break_file("a.y4m");
  break_file("b.y4m");
  EXPECT_EQ(source.read(clip("a.y4m")).error, "");
  EXPECT_NE(source.read(clip("b.y4m")).error, "");
}

TEST_F(ClipSourceTest, OthersLeaveRoomForFavouredClips) {
  video_.image_size = 224;  // one of two fits
  data_.cache_mb = 1;
  write_tiny_video(folder_ / "a.y4m", 10, 2);
  write_tiny_video(folder_ / "b.y4m", 10, 2);
  ClipSource source(data_, video_);
  source.keep_room_for({clip("b.y4m")});
  source.read(clip("a.y4m"));
  source.read(clip("b.y4m"));
  break_file("a.y4m");
  break_file("b.y4m");
  EXPECT_NE(source.read(clip("a.y4m")).error, "");
  EXPECT_EQ(source.read(clip("b.y4m")).error, "");
}

TEST_F(ClipSourceTest, ThreadsMayShareOne) {
  for (int i = 0; i < 4; ++i) write_tiny_video(folder_ / concat(i, ".y4m"), 4, 2, 40 * i + 20);
  break_file("4.y4m");
  data_.cache_mb = 1;
  ClipSource source(data_, video_);
  std::vector<std::future<std::vector<ClipFrames>>> threads;
  for (int t = 0; t < 4; ++t) {
    threads.push_back(std::async(std::launch::async, [&] {
      std::vector<ClipFrames> clips;
      for (int i = 0; i < 40; ++i) clips.push_back(source.read(clip(concat(i % 5, ".y4m"))));
      return clips;
    }));
  }
  for (auto& thread : threads) {
    const auto clips = thread.get();
    for (std::size_t i = 0; i < clips.size(); ++i) {
      EXPECT_EQ(clips[i].error.empty(), i % 5 != 4);
      EXPECT_TRUE(torch::equal(clips[i].frames, source.read(clip(concat(i % 5, ".y4m"))).frames));
    }
  }
}

TEST_F(ClipSourceTest, AnAugmentedClipIsOneDrawMadeFromItsKey) {
  write_still_video(folder_ / "a.y4m", 5, 40, 30, 1);
  video_.image_size = 16;
  ClipSource plain(data_, video_);
  const auto original = plain.read(clip("a.y4m"));
  EXPECT_TRUE(torch::equal(plain.read(clip("a.y4m"), 3).frames, original.frames));  // video.augment is none
  for (const char* augment : {"rand_augment", "resized_crop_flip"}) {
    video_.augment = augment;
    ClipSource source(data_, video_), other(data_, video_);
    EXPECT_TRUE(torch::equal(source.read(clip("a.y4m")).frames, original.frames)) << augment;  // as evaluation reads
    std::set<std::string> different;
    for (uint64_t key = 0; key < 20; ++key) {
      const auto frames = source.read(clip("a.y4m"), key).frames;  // [5, 3, 16, 16]
      EXPECT_TRUE(torch::equal(frames, frames.slice(0, 0, 1).expand_as(frames))) << augment << ", key " << key;
      EXPECT_TRUE(torch::equal(frames, other.read(clip("a.y4m"), key).frames)) << augment << ", key " << key;
      different.emplace(static_cast<const char*>(frames.data_ptr()), frames.nbytes());
    }
    EXPECT_GE(different.size(), 15u) << augment;
  }
}

TEST_F(ClipSourceTest, WithAugmentationTheCacheKeepsThePicturesOfTheFile) {
  write_still_video(folder_ / "small.y4m", 5, 40, 30, 1);
  write_still_video(folder_ / "large.y4m", 5, 400, 300, 2);  // 1.7 MiB
  video_.augment = "rand_augment";
  ClipSource decodes(data_, video_);
  data_.cache_mb = 1;
  ClipSource source(data_, video_);
  const auto original = source.read(clip("small.y4m"));
  source.read(clip("large.y4m"), 1);
  std::vector<torch::Tensor> expected;
  for (uint64_t key = 0; key < 8; ++key) expected.push_back(decodes.read(clip("small.y4m"), key).frames);
  break_file("small.y4m");
  break_file("large.y4m");
  EXPECT_TRUE(torch::equal(source.read(clip("small.y4m")).frames, original.frames));
  for (uint64_t key = 0; key < 8; ++key) {
    const auto again = source.read(clip("small.y4m"), key);
    EXPECT_TRUE(torch::equal(again.frames, expected[key])) << key;
    EXPECT_TRUE(torch::equal(again.mask, original.mask));
  }
  EXPECT_NE(source.read(clip("large.y4m"), 1).error, "");
}

}  // namespace
}  // namespace glint::test
