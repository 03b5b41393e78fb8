#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <set>

#include "datasets/demo_caption_reader.h"
#include "datasets/demo_plan.h"

namespace glint::demo {
namespace {

using test::read_moment;
using testing::Contains;
using testing::Not;

DemoMoments events(std::int64_t low, std::int64_t high) {
  return {.min_events = low, .max_events = high, .min_seconds = 3, .max_seconds = 40};
}

std::vector<ClipPlan> clips_of(const std::vector<ClipPlan>& plan, const std::string& split) {
  std::vector<ClipPlan> clips;
  std::copy_if(plan.begin(), plan.end(), std::back_inserter(clips),
               [&](const auto& clip) { return clip.split == split; });
  return clips;
}

void expect_captions_name_one_clip(const std::vector<ClipPlan>& clips) {
  std::map<Moment, int> shown;
  for (const auto& clip : clips) {
    for (const auto& moment : clip.moments) ++shown[moment];
  }
  for (const auto& clip : clips) {
    ASSERT_EQ(clip.captions.size(), 1u) << clip.name;
    const auto told = read_moment(clip.captions[0]);
    EXPECT_EQ(told, clip.moments.at(clip.named.at(0))) << clip.captions[0];
    EXPECT_EQ(shown[told], 1) << clip.captions[0];
  }
}

TEST(DemoMomentsTest, ATestOrValCaptionNamesAMomentThatItsClipAloneShows) {
  const std::vector<DemoMoments> kinds = {events(2, 2), events(4, 4), events(8, 8), events(2, 8)};
  for (const std::uint64_t seed : {1, 2, 3}) {
    for (const auto& kind : kinds) {
      const auto plan = plan_demo_set(seed, 1300, kind);
      expect_captions_name_one_clip(clips_of(plan, "test"));
      expect_captions_name_one_clip(clips_of(plan, "val"));
    }
  }
}

TEST(DemoMomentsTest, TheLargestSetAndTheSmallestKeepTheirCaptionsApart) {
  const auto largest = clips_of(plan_demo_set(1, kMaxDemoMomentsClips, events(4, 5)), "test");
  EXPECT_EQ(largest.size(), 400u);
  expect_captions_name_one_clip(largest);
  const auto smallest = clips_of(plan_demo_set(1, kMinDemoClips, events(2, 2)), "test");
  EXPECT_EQ(smallest.size(), 2u);
  expect_captions_name_one_clip(smallest);
  for (const auto& clip : smallest) EXPECT_THAT(clip.tags, Contains("distractor"));
}

// How often each colour and each shape is shown.
std::pair<std::map<Colour, int>, std::map<Shape, int>> count_looks(const ClipPlan& clip) {
  std::pair<std::map<Colour, int>, std::map<Shape, int>> counts;
  for (const auto& moment : clip.moments) {
    for (const auto& thing : {moment.one, moment.other}) {
      ++counts.first[thing.colour];
      ++counts.second[thing.shape];
    }
  }
  return counts;
}

TEST(DemoMomentsTest, ColoursAndShapesAreSpreadEvenlySoThatNoneOfThemTellsClipsApart) {
  for (const auto& clip : plan_demo_set(1, 130, events(4, 4))) {
    if (clip.moments.size() == 1) continue;
    const auto [colours, shapes] = count_looks(clip);
    EXPECT_EQ(std::ssize(colours), kNumColours) << clip.name;  // eight things: each colour once
    EXPECT_EQ(std::ssize(shapes), kNumShapes) << clip.name;
  }
  for (const auto& clip : plan_demo_set(1, 130, events(6, 6))) {
    if (clip.moments.size() == 1) continue;
    for (const auto& [shape, count] : count_looks(clip).second) EXPECT_EQ(count, 2) << clip.name;
  }
  for (const auto& clip : plan_demo_set(1, 130, events(2, 8))) {
    const auto [colours, shapes] = count_looks(clip);
    for (const auto& [colour, count] : colours) EXPECT_LE(count, 2) << clip.name;
    for (const auto& [shape, count] : shapes) EXPECT_LE(count, 3) << clip.name;
  }
}

TEST(DemoMomentsTest, AMomentHasTwoThingsOfDifferentColoursAndShapes) {
  std::set<Moment> seen;
  for (const auto& clip : plan_demo_set(1, 1300, events(2, 8))) {
    for (const auto& moment : clip.moments) {
      EXPECT_NE(moment.one.colour, moment.other.colour);
      EXPECT_NE(moment.one.shape, moment.other.shape);
      EXPECT_LT(moment.one, moment.other);
      seen.insert(moment);
    }
  }
  EXPECT_GT(seen.size(), 780u);
  EXPECT_LE(seen.size(), 840u);  // 8 * 7 colours times 6 * 5 shapes, the order of the two left out
}

TEST(DemoMomentsTest, DistractorsShowTheSameMomentsWithShapesExchanged) {
  const auto plan = plan_demo_set(1, 1300, events(2, 8));
  const std::map<std::string, int> wanted = {{"test", 40}, {"val", 20}, {"train", 300}};
  for (const auto& [split, count] : wanted) {
    const auto clips = clips_of(plan, split);
    std::map<std::vector<Moment>, const ClipPlan*> by_moments;
    for (const auto& clip : clips) by_moments[clip.moments] = &clip;
    int distractors = 0;
    for (const auto& clip : clips) {
      std::vector<Moment> others;
      for (const auto& moment : clip.moments) others.push_back(exchanged(moment));
      const auto partner = by_moments.find(others);
      const bool tagged = std::find(clip.tags.begin(), clip.tags.end(), "distractor") != clip.tags.end();
      EXPECT_EQ(tagged, partner != by_moments.end()) << clip.name;
      if (!tagged) continue;
      ++distractors;
      EXPECT_EQ(count_looks(*partner->second), count_looks(clip));
      if (split == "train") continue;
      EXPECT_EQ(read_moment(partner->second->captions[0]), exchanged(read_moment(clip.captions[0])));
    }
    EXPECT_EQ(distractors, count) << split;
  }
}

TEST(DemoMomentsTest, TrainCaptionsNameDifferentMomentsAndNeverAllOfSeveral) {
  int alone = 0;
  for (const auto& clip : clips_of(plan_demo_set(1, 1300, events(2, 8)), "train")) {
    for (std::size_t i = 0; i < clip.captions.size(); ++i) {
      const auto moment = read_moment(clip.captions[i]);
      EXPECT_EQ(moment, clip.moments.at(clip.named.at(i)));
      EXPECT_THAT(clip.captions[i], Not(testing::HasSubstr("a orange")));
    }
    EXPECT_EQ(std::set<std::size_t>(clip.named.begin(), clip.named.end()).size(), clip.captions.size());
    alone += clip.moments.size() == 1;
    const auto most = std::max<std::size_t>(1, clip.moments.size() - 1);
    EXPECT_EQ(clip.captions.size(), std::min<std::size_t>(4, most)) << clip.name;
  }
  EXPECT_GT(alone, 300);  // of 1000
  EXPECT_LT(alone, 500);
}

TEST(DemoMomentsTest, EventsAndSecondsFillTheirRangesAndAreTagged) {
  std::map<std::size_t, int> lengths;
  std::map<std::string, int> places;
  double shortest = 100, longest = 0;
  for (const auto& clip : plan_demo_set(1, 1300, events(2, 8))) {
    if (clip.split != "train") ++lengths[clip.moments.size()];
    shortest = std::min(shortest, clip.file.duration_s);
    longest = std::max(longest, clip.file.duration_s);
    EXPECT_THAT(clip.tags, Contains(concat("events_", clip.moments.size())));
    if (clip.split == "train") continue;
    const auto at = clip.named[0];
    const std::string place = at == 0 ? "named_first" : at + 1 == clip.moments.size() ? "named_last" : "named_middle";
    EXPECT_THAT(clip.tags, Contains(place));
    ++places[place];
  }
  EXPECT_EQ(lengths.size(), 7u);
  EXPECT_EQ(lengths.begin()->first, 2u);
  EXPECT_EQ(lengths.rbegin()->first, 8u);
  for (const auto& [place, count] : places) EXPECT_GT(count, 30) << place;
  EXPECT_EQ(places.size(), 3u);
  EXPECT_GE(shortest, 3);
  EXPECT_LT(shortest, 4);
  EXPECT_LE(longest, 40);
  EXPECT_GT(longest, 39);
}

TEST(DemoMomentsTest, TheSamePlanComesFromTheSameOptionsAndAnotherFromAnotherSeed) {
  const auto one = plan_demo_set(1, 65, events(3, 5)), again = plan_demo_set(1, 65, events(3, 5)),
             two = plan_demo_set(2, 65, events(3, 5));
  int equal = 0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].captions, again[i].captions);
    EXPECT_EQ(one[i].moments, again[i].moments);
    EXPECT_EQ(one[i].look, again[i].look);
    EXPECT_EQ(one[i].file.duration_s, again[i].file.duration_s);
    equal += one[i].moments == two[i].moments;
  }
  EXPECT_EQ(equal, 0);
}

}  // namespace
}  // namespace glint::demo
