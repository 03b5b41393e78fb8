#include "media/hostile_videos.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <numeric>
#include <random>
#include <set>

#include "glint/core/atomic_file.h"
#include "glint/core/hash.h"
#include "glint/media/plain_reader.h"
#include "glint/media/video_reader.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using Frames = std::vector<std::int64_t>;

struct ShownFrame {
  double time_s;  // NaN: the file tells none
  std::uint64_t hash;
  int width;
};

std::uint64_t hash_of(const Image& image) {
  return xxhash64(image.rgb.data(), image.rgb.size());
}

std::vector<ShownFrame> shown_in_order(const std::string& path) {
  std::vector<ShownFrame> frames;
  PlainReader reader(path);
  while (reader.next()) {
    const Image& image = reader.image();
    frames.push_back({reader.time_s(), hash_of(image), image.width});
  }
  return frames;
}

// Ascending, with repeats.
Frames drawn_frames(std::mt19937_64& random, std::int64_t size) {
  std::multiset<std::int64_t> drawn;
  for (auto count = 1 + random() % 12; count > 0; --count) drawn.insert(static_cast<std::int64_t>(random() % size));
  return {drawn.begin(), drawn.end()};
}

class HostileVideoTest : public testing::TestWithParam<HostileKind> {
 protected:
  void SetUp() override {
    const auto& kind = GetParam();
    if (!has_encoder(kind.encoder)) GTEST_SKIP() << "this machine's libavcodec has no encoder " << kind.encoder;
    path_ = (folder_ / kind.file).string();
    kind.write(path_);
    const auto facts = packet_facts(path_);
    EXPECT_TRUE(kind.holds(facts)) << "the file is not what it is to be: " << facts;
    shown_ = shown_in_order(path_);
    std::set<std::uint64_t> different;
    for (const auto& frame : shown_) different.insert(frame.hash);
    ASSERT_EQ(different.size(), shown_.size()) << "frames that look the same tell nothing";
    if (kind.frames > 0) {
      ASSERT_EQ(std::ssize(shown_), kind.frames);
    } else {
      ASSERT_GT(std::ssize(shown_), kHostileFrames / 4);
      ASSERT_LT(std::ssize(shown_), kHostileFrames);
    }
  }

  bool is_cut() const { return GetParam().frames == 0; }

  // A cut file's packets may promise a frame that does not decode; decoding it once tells.
  ReaderOptions options() const {
    ReaderOptions result;
    result.exact_times = is_cut();
    return result;
  }

  void expect_frames(VideoReader& reader, const Frames& frames) {
    std::size_t count = 0;
    reader.read_frames(frames, [&](std::size_t position, const Image& image) {
      ASSERT_EQ(position, count++);
      const auto& want = shown_.at(static_cast<std::size_t>(frames.at(position)));
      EXPECT_EQ(image.width, want.width);
      EXPECT_EQ(hash_of(image), want.hash) << "frame " << frames[position] << " of " << testing::PrintToString(frames);
    });
    EXPECT_EQ(count, frames.size());
  }

  Frames all() const {
    Frames frames(shown_.size());
    std::iota(frames.begin(), frames.end(), 0);
    return frames;
  }

  TemporaryFolder folder_;
  std::string path_;
  std::vector<ShownFrame> shown_;
};

TEST_P(HostileVideoTest, TimesAreThoseOfDecodingInOrder) {
  const VideoReader reader(path_, options());
  const auto& times_s = reader.frame_times();
  ASSERT_EQ(times_s.size(), shown_.size());
  for (std::size_t i = 0; i < times_s.size(); ++i) {
    if (!std::isnan(shown_[i].time_s)) {
      EXPECT_NEAR(times_s[i], shown_[i].time_s, 1e-6) << "frame " << i;
    }
    if (i > 0) {
      EXPECT_GT(times_s[i], times_s[i - 1]) << "frame " << i;
    }
  }
}

TEST_P(HostileVideoTest, AnySubsetGivesThePicturesOfDecodingInOrder) {
  ReaderOptions keeps_nothing = options();
  keeps_nothing.max_kept_bytes = 0;
  VideoReader reader(path_, options()), rereader(path_, keeps_nothing);
  ASSERT_EQ(reader.frame_times().size(), shown_.size());
  expect_frames(reader, all());
  for (const auto frame : all()) expect_frames(reader, {frame});
  for (const auto frame : all()) {
    VideoReader fresh(path_, options());
    expect_frames(fresh, {frame});
  }
  std::mt19937_64 random(7);
  for (int round = 0; round < 40; ++round) expect_frames(reader, drawn_frames(random, std::ssize(shown_)));
  for (int round = 0; round < 10; ++round) expect_frames(rereader, drawn_frames(random, std::ssize(shown_)));
  EXPECT_EQ(reader.lost_frames(), 0);
  EXPECT_EQ(rereader.lost_frames(), 0);
}

TEST_P(HostileVideoTest, APromisedFrameThatIsMissingShowsTheOneOnScreen) {
  VideoReader reader(path_);
  const auto& times_s = reader.frame_times();
  ASSERT_GE(times_s.size(), shown_.size());
  const VideoReader exact(path_, options());
  std::mt19937_64 random(11);
  for (int round = 0; round < 20; ++round) {
    const auto frames = drawn_frames(random, std::ssize(times_s));
    reader.read_frames(frames, [&](std::size_t position, const Image& image) {
      const auto frame = static_cast<std::size_t>(frames[position]);
      const auto shown = static_cast<std::size_t>(exact.frame_at(times_s[frame] + 1e-6));
      EXPECT_EQ(hash_of(image), shown_.at(shown).hash) << "frame " << frame;
    });
  }
  if (!is_cut()) {
    EXPECT_EQ(times_s, exact.frame_times());
  }
}

TEST_P(HostileVideoTest, AProcessOfItsOwnGivesTheSame) {
  const char* glint = std::getenv("GLINT_PROGRAM");
  if (glint == nullptr || !std::filesystem::exists(std::filesystem::path(glint).parent_path() / "glint-decode")) {
    GTEST_SKIP() << "no glint-decode beside the glint that GLINT_PROGRAM names";
  }
  ReaderOptions isolated = options();
  isolated.isolate = true;
  VideoReader reader(path_, isolated);
  EXPECT_EQ(reader.frame_times(), VideoReader(path_, options()).frame_times());
  std::mt19937_64 random(13);
  expect_frames(reader, drawn_frames(random, std::ssize(shown_)));
  EXPECT_EQ(reader.lost_frames(), 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, HostileVideoTest, testing::ValuesIn(hostile_kinds()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace glint::test
