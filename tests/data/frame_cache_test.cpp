#include "glint/data/frame_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <future>

#include "data/tiny_video.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/file_lock.h"
#include "glint/core/random.h"
#include "glint/data/clip_source.h"
#include "support/environment.h"

namespace glint::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::ThrowsMessage;

// What `work` says to the user.
std::string said_by(const std::function<void()>& work) {
  testing::internal::CaptureStderr();
  work();
  return testing::internal::GetCapturedStderr();
}

// Three videos of random pixels, 5, 2 and 4 frames of 40 x 30, the last cut into two clips.
class FrameCacheTest : public testing::Test {
 protected:
  FrameCacheTest() {
    video_.num_frames = 4;
    video_.image_size = 16;
    data_.cache = (folder_ / "cache").string();
    data_.workers = 2;
    write_still_video(folder_ / "a.y4m", 5, 40, 30, 1);
    write_still_video(folder_ / "b.y4m", 2, 40, 30, 2);
    write_still_video(folder_ / "c.y4m", 4, 40, 30, 3);
    clips_ = {clip("a.y4m"), clip("b.y4m"), clip("c.y4m"), clip("c.y4m")};
    clips_[2].end_s = 2;
    clips_[3].start_s = 2;
  }
  Clip clip(const std::string& name) const {
    Clip clip;
    clip.id = name;
    clip.file = folder_ / name;
    return clip;
  }
  CacheBuild build() const { return build_frame_cache(clips_, data_, video_); }
  FrameCache open() const { return FrameCache(data_, video_); }
  std::string refusal() const {
    try {
      open();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  fs::path file(const std::string& name) const { return folder_ / "cache" / name; }
  DataConfig without_cache() const {
    auto data = data_;
    data.cache.clear();
    return data;
  }
  // What `source` reads of every clip, with some augmentation keys: [clips * keys, T, 3, R, R].
  torch::Tensor read_all(ClipSource& source) const {
    std::vector<torch::Tensor> frames;
    for (const auto& one : clips_) {
      for (const std::optional<uint64_t> key : {std::optional<uint64_t>(), {7}, {8}}) {
        const auto read = source.read(one, key);
        EXPECT_EQ(read.error, "");
        frames.push_back(read.frames * read.mask.reshape({-1, 1, 1, 1}));
      }
    }
    return torch::stack(frames);
  }
  torch::Tensor decoded() const {
    ClipSource source(without_cache(), video_);
    return read_all(source);
  }
  void hide_videos() const {
    for (const char* name : {"a.y4m", "b.y4m", "c.y4m"}) fs::remove(folder_ / name);
  }
  static void flip(const fs::path& path, std::size_t at, std::uint64_t bit) {
    auto bytes = read_file(path);
    bytes.at(at) = static_cast<char>(bytes[at] ^ (1 << bit));
    std::ofstream(path, std::ios::binary) << bytes;
  }

  TemporaryFolder folder_;
  DataConfig data_;
  VideoConfig video_;
  std::vector<Clip> clips_;
};

TEST_F(FrameCacheTest, CachedFramesAreTheDecodedOnesWithAndWithoutAugmentation) {
  for (const char* augment : {"none", "rand_augment", "resized_crop_flip"}) {
    video_.augment = augment;
    data_.cache = (folder_ / augment).string();
    const auto made = build();
    EXPECT_EQ(made.clips, 4);
    EXPECT_EQ(made.made, 4);
    EXPECT_THAT(made.bad, IsEmpty());
    EXPECT_EQ(open().keeps_pictures(), video_.augment != "none");
    const auto expected = decoded();
    fs::rename(folder_ / "a.y4m", folder_ / "hidden");  // so that it is the cache that gives them
    ClipSource source(data_, video_);
    EXPECT_TRUE(torch::equal(read_all(source), expected)) << augment;
    fs::rename(folder_ / "hidden", folder_ / "a.y4m");
    const auto again = build();
    EXPECT_EQ(again.kept, 4);
    EXPECT_EQ(again.made, 0);
  }
}

TEST_F(FrameCacheTest, KeptPicturesServeOtherSizesAndAugmentations) {
  video_.augment = "rand_augment";
  build();
  for (const char* augment : {"none", "resized_crop_flip"}) {
    video_.augment = augment;
    video_.image_size = 20;
    ClipSource source(data_, video_);
    EXPECT_TRUE(torch::equal(read_all(source), decoded()));
  }
}

TEST_F(FrameCacheTest, ACacheOfTheFirstSecondsIsForThoseAlone) {
  video_.max_seconds = 1;
  build();
  {
    ClipSource source(data_, video_);
    EXPECT_TRUE(torch::equal(read_all(source), decoded()));
  }
  for (const double other : {0.0, 2.0}) {
    video_.max_seconds = other;
    EXPECT_THAT(refusal(), HasSubstr(concat("video.max_seconds is 1 there and ", other, " now")));
  }
}

TEST_F(FrameCacheTest, OtherSettingsAreRefusedByName) {
  build();
  const auto refuse = [&](const VideoConfig& video, const DataConfig& data, const std::string& reason) {
    EXPECT_THAT([&] { FrameCache(data, video); },
                ThrowsMessage<Error>(AllOf(HasSubstr(data_.cache), HasSubstr(reason))));
    EXPECT_THAT([&] { build_frame_cache(clips_, data, video); }, ThrowsMessage<Error>(HasSubstr(reason)));
  };
  auto video = video_;
  video.sampling = "xpool";
  video.num_frames = 3;
  refuse(video, data_, R"(video.sampling is "glscl" there and "xpool" now, video.num_frames is 4 there and 3 now)");
  video = video_;
  video.fps = 2;
  refuse(video, data_, "video.fps is 1.0 there and 2.0 now");
  video = video_;
  video.max_seconds = 2.5;
  refuse(video, data_, "video.max_seconds is 0 there and 2.5 now");
  video = video_;
  video.image_size = 32;
  refuse(video, data_, "video.image_size is 16 there and 32 now");
  video = video_;
  video.apply_rotation = false;
  refuse(video, data_, "video.apply_rotation is true there and false now");
  video = video_;
  video.augment = "rand_augment";
  refuse(video, data_, "it keeps frames made for video.augment none, and rand_augment needs the pictures");
  auto data = data_;
  data.cache_codec = "jpeg";
  refuse(video_, data, R"(data.cache_codec is "raw" there and "jpeg" now, data.cache_quality is 0 there and 95 now)");
  data.cache = (folder_ / "none").string();
  EXPECT_THAT([&] { FrameCache(data, video_); }, ThrowsMessage<Error>(HasSubstr("none: holds no frame cache")));
  auto text = read_file(file("settings.json"));
  text.replace(text.find("\"decoder\": 2"), 12, "\"decoder\": 1");
  std::ofstream(file("settings.json")) << text;
  EXPECT_THAT(refusal(), HasSubstr("decoder is 1 there and 2 now"));
  std::ofstream(file("settings.json")) << "{}";
  EXPECT_THAT(refusal(), HasSubstr("settings.json: is damaged"));
}

TEST_F(FrameCacheTest, AVideoThatChangedIsNamedAndMadeAnew) {
  build();
  write_still_video(folder_ / "c.y4m", 4, 40, 30, 9);  // of the same size
  EXPECT_THAT(refusal(), AllOf(HasSubstr((folder_ / "c.y4m").string()), HasSubstr("has changed since")));
  const auto check = check_frame_cache(clips_, data_, video_);
  EXPECT_EQ(check.sound, 2);
  ASSERT_THAT(check.missing, SizeIs(2));
  EXPECT_THAT(check.missing[0].cause, HasSubstr("c.y4m: has changed since it was cached"));
  const auto mended = build();
  EXPECT_EQ(mended.kept, 2);
  EXPECT_EQ(mended.made, 2);
  ClipSource source(data_, video_);
  EXPECT_TRUE(torch::equal(read_all(source), decoded()));
}

TEST_F(FrameCacheTest, AVideoThatOnlyMovedOrWasTouchedIsKnownByItsContent) {
  build();
  fs::last_write_time(folder_ / "a.y4m", fs::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_EQ(refusal(), "");
  fs::create_directory(folder_ / "elsewhere");
  for (auto& one : clips_) {
    fs::copy_file(one.file, folder_ / "elsewhere" / one.file.filename(), fs::copy_options::skip_existing);
    one.file = folder_ / "elsewhere" / one.file.filename();
  }
  const auto expected = decoded();
  hide_videos();
  auto cache = open();
  for (const auto& one : clips_) EXPECT_TRUE(cache.find(one).has_value()) << one.file;
  const auto bytes = fs::file_size(file("pack_0000.glint"));
  EXPECT_EQ(build().kept, 4);
  EXPECT_EQ(fs::file_size(file("pack_0000.glint")), bytes);
  ClipSource source(data_, video_);
  EXPECT_TRUE(torch::equal(read_all(source), expected));
}

void touch(const fs::path& path) {
  fs::last_write_time(path, fs::file_time_type::clock::now() + std::chrono::hours(1));
}

TEST_F(FrameCacheTest, ATouchedFileIsReadOnceAndNotAtEveryStart) {
  build();
  touch(folder_ / "c.y4m");  // two clips are cut from it
  EXPECT_THAT(said_by([&] { open(); }),
              AllOf(HasSubstr("1 video has another time of writing than when the cache was made"), HasSubstr("c.y4m"),
                    HasSubstr("content is compared"), HasSubstr("cp -p")));
  EXPECT_EQ(said_by([&] { open(); }), "");
  const auto time = fs::last_write_time(folder_ / "c.y4m");
  write_still_video(folder_ / "c.y4m", 4, 40, 30, 9);  // of the same size: nobody reads it
  fs::last_write_time(folder_ / "c.y4m", time);
  EXPECT_EQ(refusal(), "");
}

TEST_F(FrameCacheTest, OfAFileWithAnotherTimeEachWindowIsAskedForButItsContentIsReadOnceToo) {
  build();
  touch(folder_ / "c.y4m");
  EXPECT_EQ(build().kept, 4);
  EXPECT_EQ(said_by([&] { open(); }), "");  // the builder has noted the times
}

TEST_F(FrameCacheTest, TimesThatCannotBeKeptAreToldOf) {
  build();
  touch(folder_ / "a.y4m");
  {
    FileLock builder(file(".lock"));
    ASSERT_TRUE(builder.try_lock());
    EXPECT_THAT(said_by([&] { open(); }),
                AllOf(HasSubstr("the new times cannot be kept (glint data cache works in it)"),
                      HasSubstr("the next start compares again")));
  }
  EXPECT_THAT(said_by([&] { open(); }), HasSubstr("content is compared"));
  EXPECT_EQ(said_by([&] { open(); }), "");
}

TEST_F(FrameCacheTest, WhatAnotherProcessComparesIsNotComparedAgain) {
  build();
  touch(folder_ / "a.y4m");
  auto turn = std::make_unique<FileLock>(file(".compare.lock"));
  ASSERT_TRUE(turn->try_lock());
  testing::internal::CaptureStderr();
  auto opening = std::async(std::launch::async, [&] { open(); });
  EXPECT_EQ(opening.wait_for(std::chrono::milliseconds(300)), std::future_status::timeout);
  build();  // notes the time
  turn.reset();
  opening.get();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(FrameCacheTest, ATouchedFileOfOtherContentIsRefusedByName) {
  build();
  write_still_video(folder_ / "c.y4m", 4, 40, 30, 9);
  touch(folder_ / "c.y4m");
  touch(folder_ / "a.y4m");
  EXPECT_THAT(refusal(), AllOf(HasSubstr((folder_ / "c.y4m").string()), HasSubstr("has changed since")));
}

// What a killed builder had half written stands behind the clips when a training opens the cache; the next builder cuts
// it off while the training reads.
TEST_F(FrameCacheTest, ABuilderThatCutsAHalfWrittenRecordSpoilsNothingForItsReaders) {
  const auto all = clips_;
  clips_.pop_back();
  build();
  std::ofstream(file("pack_0000.glint"), std::ios::binary | std::ios::app) << std::string(100'000, 'x');
  const auto expected = decoded();
  ClipSource source(data_, video_);
  const auto readable = clips_;
  clips_ = all;
  const auto added = build();
  EXPECT_EQ(added.kept, 3);
  EXPECT_EQ(added.made, 1);
  EXPECT_LT(fs::file_size(file("pack_0000.glint")), 100'000u);
  clips_ = readable;
  hide_videos();  // so that it is the cache that gives them
  EXPECT_EQ(said_by([&] { EXPECT_TRUE(torch::equal(read_all(source), expected)); }), "");
}

TEST_F(FrameCacheTest, BehindADamagedRecordTheSoundOnesAreFoundWithoutAnIndex) {
  build();
  const auto expected = decoded();
  ClipSource source(data_, video_);
  const auto size = fs::file_size(file("pack_0000.glint"));
  flip(file("pack_0000.glint"), 64 + 512, 3);  // in the first clip
  fs::remove(file("index.glint"));
  const auto mended = build();
  EXPECT_EQ(mended.kept, 3);
  EXPECT_EQ(mended.made, 1);
  EXPECT_GT(fs::file_size(file("pack_0000.glint")), size);
  EXPECT_TRUE(torch::equal(read_all(source), expected));
}

TEST_F(FrameCacheTest, AClipThatIsNotThereIsDecoded) {
  const auto all = clips_;
  clips_.resize(2);
  build();
  clips_ = all;
  EXPECT_FALSE(open().find(clips_[2]).has_value());
  const auto expected = decoded();
  testing::internal::CaptureStderr();
  {
    ClipSource source(data_, video_);
    EXPECT_TRUE(torch::equal(read_all(source), expected));
  }
  const auto words = testing::internal::GetCapturedStderr();
  EXPECT_THAT(words, HasSubstr("clip 'c.y4m' is not in the cache"));
  EXPECT_THAT(words, HasSubstr("2 clips were not in the cache"));
}

TEST_F(FrameCacheTest, BadVideosAreListedAndTheRestIsMade) {
  std::ofstream(folder_ / "bad.mp4") << "no video";
  clips_.insert(clips_.begin() + 1, {clip("bad.mp4"), clip("none.mp4"), clip("bad.mp4")});
  const auto made = build();
  EXPECT_EQ(made.clips, 6);  // "bad.mp4" is named twice
  EXPECT_EQ(made.made, 4);
  ASSERT_THAT(made.bad, SizeIs(2));
  EXPECT_EQ(made.bad[0].clip, "bad.mp4");
  EXPECT_THAT(made.bad[0].cause, HasSubstr("bad.mp4: no video that can be opened: it is text that begins 'no video'"));
  EXPECT_THAT(made.bad[1].cause, HasSubstr("none.mp4"));
  EXPECT_EQ(build().kept, 4);
}

TEST_F(FrameCacheTest, ABadVideoIsNotToldOfAsOneThatTheCacheShouldHave) {
  build();
  std::ofstream(folder_ / "bad.mp4") << "no video";
  EXPECT_EQ(said_by([&] { EXPECT_NE(ClipSource(data_, video_).read(clip("bad.mp4")).error, ""); }), "");
}

TEST_F(FrameCacheTest, OneContentUnderTwoNamesStandsThereOnce) {
  clips_ = {clip("a.y4m")};
  build();
  const auto bytes = fs::file_size(file("pack_0000.glint"));
  fs::copy_file(folder_ / "a.y4m", folder_ / "twin.y4m");
  clips_.push_back(clip("twin.y4m"));
  EXPECT_EQ(build().kept, 2);
  EXPECT_EQ(fs::file_size(file("pack_0000.glint")), bytes);
  EXPECT_EQ(open().find(clips_[0]).has_value(), open().find(clips_[1]).has_value());
}

TEST_F(FrameCacheTest, ASecondBuilderInTheFolderIsRefused) {
  FileLock lock(file(".lock"));
  ASSERT_TRUE(lock.try_lock());
  EXPECT_THAT([&] { build(); }, ThrowsMessage<Error>(HasSubstr("another glint data cache works in this folder")));
  EXPECT_FALSE(fs::exists(file("settings.json")));
}

// Whatever is cut off the end, as a kill leaves it, the clips that were finished by then stay.
TEST_F(FrameCacheTest, ABuilderThatWasKilledGoesOnAfterTheLastWholeClip) {
  build();
  const auto expected = decoded();
  const auto pack = read_file(file("pack_0000.glint"));
  fs::remove(file("index.glint"));
  int64_t most = 0;
  for (std::size_t size = 0; size <= pack.size();
       size += size < pack.size() && size + 211 > pack.size() ? pack.size() - size : 211) {
    std::ofstream(file("pack_0000.glint"), std::ios::binary) << pack.substr(0, size);
    fs::remove(file("index.glint"));
    const auto resumed = build();
    EXPECT_EQ(resumed.kept + resumed.made, 4) << size;
    EXPECT_GE(resumed.kept, most) << size;
    most = resumed.kept;
    EXPECT_FALSE(fs::exists(file("pack_0001.glint")));
    ClipSource source(data_, video_);
    ASSERT_TRUE(torch::equal(read_all(source), expected)) << size;
    if (size == pack.size()) break;
  }
  EXPECT_EQ(most, 4);
}

TEST_F(FrameCacheTest, ACacheThatIsCutShortIsRefusedByNameAndMended) {
  build();
  const auto expected = decoded();
  for (const char* name : {"index.glint", "pack_0000.glint"}) {
    const auto bytes = read_file(file(name));
    Random random({1});
    for (int i = 0; i < 30; ++i) {
      std::ofstream(file(name), std::ios::binary) << bytes.substr(0, random.below(bytes.size() - 64));
      EXPECT_THAT(refusal(), HasSubstr(file(name).string())) << name;
    }
    EXPECT_EQ(build().clips, 4);
    ClipSource source(data_, video_);
    EXPECT_TRUE(torch::equal(read_all(source), expected));
  }
  fs::remove(file("pack_0000.glint"));
  EXPECT_THAT(refusal(), HasSubstr("pack_0000.glint: is not there"));
  EXPECT_EQ(build().made, 4);
  EXPECT_EQ(refusal(), "");
}

TEST_F(FrameCacheTest, AFlippedBitNeverGivesAnotherPicture) {
  build();
  const auto expected = decoded();
  Random random({2});
  for (const char* name : {"index.glint", "pack_0000.glint"}) {
    const auto bytes = read_file(file(name));
    for (int i = 0; i < 60; ++i) {
      flip(file(name), random.below(bytes.size()), random.below(8));
      const auto words = refusal();
      if (words.empty()) {  // in a clip: it is told of and decoded
        ClipSource source(data_, video_);
        EXPECT_TRUE(torch::equal(read_all(source), expected)) << i;
      } else {
        EXPECT_THAT(words, HasSubstr(file(name).string()));
      }
      std::ofstream(file(name), std::ios::binary) << bytes;
    }
  }
}

TEST_F(FrameCacheTest, ADamagedClipIsToldOfOnceAndDecoded) {
  build();
  const auto expected = decoded();
  const auto size = fs::file_size(file("pack_0000.glint"));
  flip(file("pack_0000.glint"), size - 1, 3);
  const auto check = check_frame_cache(clips_, data_, video_);
  EXPECT_THAT(check.damaged,
              ElementsAre(AllOf(HasSubstr("pack_0000.glint"), HasSubstr("does not match its checksum"))));
  EXPECT_EQ(check.sound, 3);
  EXPECT_THAT(check.missing, SizeIs(1));
  testing::internal::CaptureStderr();
  ClipSource source(data_, video_);
  EXPECT_TRUE(torch::equal(read_all(source), expected));
  const auto words = testing::internal::GetCapturedStderr();
  EXPECT_THAT(words, HasSubstr("is damaged; delete the file and run glint data cache again"));
  EXPECT_EQ(std::count(words.begin(), words.end(), '\n'), 1) << words;
}

TEST_F(FrameCacheTest, APackCutWhileItIsReadIsToldOfAndDecoded) {
  build();
  const auto expected = decoded();
  ClipSource source(data_, video_);
  fs::resize_file(file("pack_0000.glint"), 100);
  EXPECT_TRUE(torch::equal(read_all(source), expected));
}

TEST_F(FrameCacheTest, ASoundCacheIsFoundSound) {
  build();
  const auto check = check_frame_cache(clips_, data_, video_);
  EXPECT_EQ(check.clips, 4);
  EXPECT_EQ(check.sound, 4);
  EXPECT_THAT(check.damaged, IsEmpty());
  EXPECT_THAT(check.missing, IsEmpty());
  EXPECT_EQ(check.bytes, static_cast<int64_t>(fs::file_size(file("pack_0000.glint"))));
}

TEST_F(FrameCacheTest, ALossyCacheGivesWhatItWouldGiveForClipsItLacks) {
  for (const char* codec : {"yuv420", "jpeg"}) {
    for (const char* augment : {"none", "rand_augment"}) {
      const std::string what = concat(codec, ' ', augment);
      data_.cache = (folder_ / what).string();
      data_.cache_codec = codec;
      video_.augment = augment;
      const auto all = clips_;
      build();
      torch::Tensor cached;
      {
        ClipSource source(data_, video_);
        cached = read_all(source);
      }
      data_.cache = (folder_ / (what + " of one")).string();
      clips_.resize(1);
      build();
      clips_ = all;
      ClipSource source(data_, video_);
      EXPECT_TRUE(torch::equal(read_all(source), cached)) << what;
      EXPECT_FALSE(torch::equal(cached, decoded())) << what;
    }
  }
}

}  // namespace
}  // namespace glint::test
