#include "datasets/demo_plan.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "datasets/demo_caption_reader.h"

namespace glint::demo {
namespace {

using test::fits;
using test::read_caption;

std::vector<ClipPlan> part(const std::vector<ClipPlan>& plan, const std::string& split) {
  std::vector<ClipPlan> clips;
  std::copy_if(plan.begin(), plan.end(), std::back_inserter(clips),
               [&](const auto& clip) { return clip.split == split; });
  return clips;
}

TEST(DemoPlanTest, ATestOrValCaptionFitsOneClipOfItsSplitAlone) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const auto plan = plan_demo_set(seed, 1300);
    for (const char* split : {"test", "val"}) {
      const auto clips = part(plan, split);
      for (const auto& clip : clips) {
        ASSERT_EQ(clip.captions.size(), 1u) << clip.name;
        const auto told = read_caption(clip.captions[0]);
        ASSERT_EQ(told.size(), clip.story.size()) << clip.captions[0];
        for (const auto& other : clips) {
          EXPECT_EQ(fits(told, other.story), other.name == clip.name) << clip.captions[0] << " / " << other.captions[0];
        }
      }
    }
  }
}

TEST(DemoPlanTest, OrderPairsDifferInTheOrderOfEventsAlone) {
  const auto plan = plan_demo_set(1, 1300);
  const std::map<std::string, int> wanted = {{"test", 40}, {"val", 20}, {"train", 300}};
  for (const auto& [split, count] : wanted) {
    std::map<Story, int> by_story;
    for (const auto& clip : part(plan, split)) by_story[clip.story] += clip.tags.empty() ? 0 : 1;
    int paired = 0;
    for (const auto& [story, is_paired] : by_story) {
      const Story reversed(story.rbegin(), story.rend());
      EXPECT_EQ(is_paired == 1, story.size() > 1 && by_story.contains(reversed));
      paired += is_paired;
    }
    EXPECT_EQ(paired, count) << split;
  }
}

TEST(DemoPlanTest, NoStoryIsToldTwice) {
  const auto plan = plan_demo_set(1, 1300);
  std::set<Story> stories;
  for (const auto& clip : plan) EXPECT_TRUE(stories.insert(clip.story).second) << clip.captions[0];
}

TEST(DemoPlanTest, TrainCaptionsAreSeveralTrueAndDifferent) {
  const auto plan = plan_demo_set(1, 1300);
  int without_size = 0;
  for (const auto& clip : part(plan, "train")) {
    EXPECT_GE(clip.captions.size(), 3u);
    EXPECT_EQ(std::set<std::string>(clip.captions.begin(), clip.captions.end()).size(), clip.captions.size());
    for (const auto& caption : clip.captions) {
      const auto told = read_caption(caption);
      EXPECT_EQ(told.size(), clip.story.size()) << caption;
      EXPECT_TRUE(fits(told, clip.story)) << caption;
      EXPECT_THAT(caption, testing::Not(testing::HasSubstr("a orange")));
      without_size += told[0].size ? 0 : 1;
    }
  }
  EXPECT_GT(without_size, 500);
}

TEST(DemoPlanTest, TrainShowsEveryValueOftenAndNothingUnseeable) {
  std::map<Colour, int> colours;
  std::map<Shape, int> shapes;
  std::map<Motion, int> motions;
  std::map<Size, int> sizes;
  std::map<std::size_t, int> lengths;
  for (const auto& clip : part(plan_demo_set(1, 1300), "train")) {
    ++lengths[clip.story.size()];
    std::set<Colour> in_clip;
    for (const auto& event : clip.story) {
      ++colours[event.colour];
      ++shapes[event.shape];
      ++motions[event.motion];
      ++sizes[event.size];
      EXPECT_TRUE(in_clip.insert(event.colour).second);
      EXPECT_FALSE(event.motion == Motion::kSpin && (event.shape == Shape::kCircle || event.shape == Shape::kRing));
      EXPECT_EQ(event.size == Size::kChanging, event.motion == Motion::kGrow || event.motion == Motion::kShrink);
    }
  }
  EXPECT_EQ(std::ssize(colours), kNumColours);
  EXPECT_EQ(std::ssize(shapes), kNumShapes);
  EXPECT_EQ(std::ssize(motions), kNumMotions);
  for (const auto& [colour, count] : colours) EXPECT_GT(count, 150);
  for (const auto& [shape, count] : shapes) EXPECT_GT(count, 200);
  for (const auto& [motion, count] : motions) EXPECT_GT(count, 120);
  for (const auto& [size, count] : sizes) EXPECT_GT(count, 300);
  for (const std::size_t events : {1, 2, 3}) EXPECT_GT(lengths[events], 150);
  EXPECT_EQ(lengths.size(), 3u);
}

TEST(DemoPlanTest, FilesAreOfManyKindsMostlyH264InMp4) {
  std::map<std::string, int> kinds;
  std::set<std::pair<int, int>> sizes;
  int variable = 0, audio = 0, rotated = 0, ntsc = 0;
  const auto plan = plan_demo_set(1, 1300);
  for (const auto& clip : plan) {
    const auto& file = clip.file;
    ++kinds[file.codec + file.extension];
    sizes.insert({file.width, file.height});
    variable += file.variable_rate;
    audio += file.audio;
    rotated += file.rotation != 0;
    ntsc += file.fps_num == 30000;
    EXPECT_GE(file.duration_s, 3);
    EXPECT_LE(file.duration_s, 8);
  }
  EXPECT_GT(kinds["libx264.mp4"], 650);
  EXPECT_GT(kinds["libx264.mov"], 50);
  EXPECT_GT(kinds["libvpx-vp9.mkv"], 50);
  EXPECT_GT(kinds["mpeg4.avi"], 50);
  EXPECT_EQ(kinds.size(), 4u);
  EXPECT_GE(sizes.size(), 6u);
  EXPECT_GT(variable, 60);
  EXPECT_GT(ntsc, 200);
  EXPECT_GT(audio, 100);
  EXPECT_EQ(rotated, 1);
}

std::vector<std::int64_t> sizes_of(std::int64_t clips) {
  std::map<std::string, std::int64_t> counts;
  for (const auto& clip : plan_demo_set(1, clips)) ++counts[clip.split];
  return {counts["train"], counts["val"], counts["test"]};
}

TEST(DemoPlanTest, SplitsScaleWithTheNumberOfClips) {
  EXPECT_THAT(sizes_of(1300), testing::ElementsAre(1000, 100, 200));
  EXPECT_THAT(sizes_of(65), testing::ElementsAre(50, 5, 10));
  EXPECT_THAT(sizes_of(13), testing::ElementsAre(10, 1, 2));
  EXPECT_THAT(sizes_of(20), testing::ElementsAre(15, 2, 3));
  EXPECT_THAT(sizes_of(5000), testing::ElementsAre(3846, 385, 769));
}

TEST(DemoPlanTest, EveryTestSplitHasAnOrderPair) {
  for (const int clips : {13, 20, 65}) {
    int paired = 0;
    for (const auto& clip : part(plan_demo_set(7, clips), "test")) paired += !clip.tags.empty();
    EXPECT_EQ(paired, 2) << clips;
  }
}

TEST(DemoPlanTest, AnotherSeedTellsOtherStories) {
  const auto one = plan_demo_set(1, 65), again = plan_demo_set(1, 65), two = plan_demo_set(2, 65);
  int equal = 0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].captions, again[i].captions);
    EXPECT_EQ(one[i].look, again[i].look);
    equal += one[i].story == two[i].story;
  }
  EXPECT_LT(equal, 5);
}

}  // namespace
}  // namespace glint::demo
