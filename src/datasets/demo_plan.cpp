#include "datasets/demo_plan.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iterator>
#include <sstream>

#include "glint/core/error.h"
#include "glint/core/random.h"

namespace glint::demo {
namespace {

constexpr double kAlone = 0.5;     // of train clips of moments: with one moment alone, whose caption leaves nothing out
constexpr int kTrainCaptions = 4;  // phrasings of a training clip; val and test clips have one

enum Key : std::uint64_t { kStories = 1, kCaption, kFile, kLook };  // what random numbers are drawn for

struct PictureSize {
  int width;
  int height;
};
constexpr PictureSize kPictureSizes[] = {{160, 120}, {176, 144}, {192, 108}, {224, 126}, {144, 144},
                                         {208, 160}, {128, 160}, {120, 160}, {108, 192}};

double draw_duration(Random& random, std::size_t events) {
  if (events == 1) return random.uniform(3.1, 5.0);
  if (events == 2) return random.uniform(3.6, 6.8);
  return random.uniform(5.4, 7.9);
}

void choose_container(FileKind& file, std::uint64_t number) {
  file.extension = ".mp4";
  file.codec = "libx264";
  switch (number % 20) {
    case 2:
    case 12:
      file.extension = ".mkv";
      file.codec = "libvpx-vp9";
      break;
    case 3:
    case 13:
      file.extension = ".avi";
      file.codec = "mpeg4";
      break;
    case 4:
    case 14:
      file.extension = ".mov";
      break;
    default:
      break;
  }
}

void choose_rate(FileKind& file, std::uint64_t number) {
  const auto slot = number % 9;
  if (slot == 8 && file.extension != ".avi") {  // AVI knows no times
    file.variable_rate = true;
    file.fps_num = 60;
  } else if (slot >= 5) {
    file.fps_num = 30000;
    file.fps_den = 1001;
  }
}

// `number` counts from 1 in its split. Containers and rates go round, so that every split has some of each.
FileKind choose_file(Random& random, std::uint64_t number) {
  FileKind file;
  choose_container(file, number);
  choose_rate(file, number);
  const auto size = kPictureSizes[random.below(std::size(kPictureSizes))];
  file.width = size.width;
  file.height = size.height;
  file.audio = number % 7 == 3;
  return file;
}

std::vector<std::string> describe_often(const Story& story, std::uint64_t key) {
  std::vector<std::string> captions;
  for (std::uint64_t i = 0; std::ssize(captions) < kTrainCaptions; ++i) {
    auto caption = describe(story, false, mix({key, i}));
    if (std::find(captions.begin(), captions.end(), caption) == captions.end()) captions.push_back(std::move(caption));
  }
  return captions;
}

std::string clip_name(const std::string& split, std::uint64_t number) {
  std::ostringstream name;
  name << split << '_' << std::setw(4) << std::setfill('0') << number;
  return name.str();
}

ClipPlan empty_clip(const std::string& split, std::uint64_t number, std::uint64_t key) {
  ClipPlan clip;
  clip.split = split;
  clip.name = clip_name(split, number);
  clip.look = mix({key, kLook, number});
  return clip;
}

std::vector<ClipPlan> plan_split(const std::string& split, const StoryRules& rules, std::uint64_t key,
                                 std::set<Story>& taken) {
  std::vector<ClipPlan> clips;
  for (auto& planned : plan_stories(rules, mix({key, kStories}), taken)) {
    const std::uint64_t number = clips.size() + 1;
    const auto caption_key = mix({key, kCaption, number});
    auto clip = empty_clip(split, number, key);
    Random random{key, kFile, number};
    clip.file = choose_file(random, number);
    clip.file.duration_s = draw_duration(random, planned.story.size());
    clip.captions = rules.strict ? std::vector{describe(planned.story, true, caption_key)}
                                 : describe_often(planned.story, caption_key);
    clip.story = std::move(planned.story);
    if (planned.order_pair) clip.tags = {"order_pair"};
    clips.push_back(std::move(clip));
  }
  return clips;
}

// A caption names one moment of a test or val clip. Of a train clip up to four are named, each by a caption; where
// there are several, one is never named.
std::vector<std::size_t> choose_named(const PlannedMoments& planned, bool strict, std::uint64_t key) {
  if (strict) return {planned.named};
  const auto order = Random{key}.permutation(std::ssize(planned.moments));
  const auto most = std::max<std::ptrdiff_t>(1, std::ssize(order) - 1);
  return {order.begin(), order.begin() + std::min<std::ptrdiff_t>(kTrainCaptions, most)};
}

std::vector<std::string> tags_of(const PlannedMoments& planned, bool strict) {
  std::vector<std::string> tags = {concat("events_", planned.moments.size())};
  if (strict) {
    const auto last = planned.moments.size() - 1;
    tags.push_back(planned.named == 0 ? "named_first" : planned.named == last ? "named_last" : "named_middle");
  }
  if (planned.distractor) tags.emplace_back("distractor");
  return tags;
}

std::vector<ClipPlan> plan_split(const std::string& split, const MomentRules& rules, const DemoMoments& options,
                                 std::uint64_t key) {
  std::vector<ClipPlan> clips;
  for (auto& planned : plan_moments(rules, mix({key, kStories}))) {
    const std::uint64_t number = clips.size() + 1;
    const auto caption_key = mix({key, kCaption, number});
    auto clip = empty_clip(split, number, key);
    Random random{key, kFile, number};
    clip.file = choose_file(random, number);
    clip.file.duration_s = random.uniform(options.min_seconds, options.max_seconds);
    clip.named = choose_named(planned, rules.strict, caption_key);
    for (const auto i : clip.named) clip.captions.push_back(describe(planned.moments[i], mix({caption_key, i})));
    clip.tags = tags_of(planned, rules.strict);
    clip.moments = std::move(planned.moments);
    clips.push_back(std::move(clip));
  }
  return clips;
}

// A clip as a phone held upright stores it: lying, with the note to turn it.
void make_phone_video(ClipPlan& clip) {
  GLINT_CHECK(clip.file.extension == ".mp4", clip.name, clip.file.extension);
  clip.file.width = 108;
  clip.file.height = 192;
  clip.file.rotation = 90;
}

// What is looked for by its full description is mostly told in three events: their colours alone are many.
StoryRules told_rules(std::int64_t clips, std::int64_t order_pairs) {
  return {.count = clips, .order_pairs = order_pairs, .one_event = 0.05, .three_events = 0.6, .strict = true};
}

// Train shows many pairs, so that the order of events can be learnt from it, and many single events, in which every
// word stands for something seen.
StoryRules train_rules(std::int64_t clips) {
  return {.count = clips, .order_pairs = clips * 3 / 20, .one_event = 0.3, .three_events = 0.4, .strict = false};
}

struct Splits {
  std::vector<ClipPlan> train, val, test;
};

Splits plan_told(std::uint64_t seed, const SplitSizes& sizes) {
  std::set<Story> taken;
  Splits splits;
  splits.test =
      plan_split("test", told_rules(sizes.test, std::max<std::int64_t>(1, sizes.test / 10)), mix({seed, 1}), taken);
  splits.val = plan_split("val", told_rules(sizes.val, sizes.val / 10), mix({seed, 2}), taken);
  splits.train = plan_split("train", train_rules(sizes.train), mix({seed, 3}), taken);
  return splits;
}

Splits plan_named(std::uint64_t seed, const SplitSizes& sizes, const DemoMoments& options) {
  const auto plan = [&](const char* split, std::int64_t clips, std::int64_t pairs, std::uint64_t number) {
    const bool is_train = number == 3;
    const MomentRules rules{.count = clips,
                            .distractor_pairs = pairs,
                            .min_events = options.min_events,
                            .max_events = options.max_events,
                            .alone = is_train ? kAlone : 0,
                            .strict = !is_train};
    return plan_split(split, rules, options, mix({seed, number}));
  };
  return {.train = plan("train", sizes.train, sizes.train * 3 / 20, 3),
          .val = plan("val", sizes.val, sizes.val / 10, 2),
          .test = plan("test", sizes.test, std::max<std::int64_t>(1, sizes.test / 10), 1)};
}

}  // namespace

SplitSizes split_sizes(std::int64_t clips) {
  const std::int64_t train = std::llround(static_cast<double>(clips) * 10 / 13);
  const std::int64_t val = std::llround(static_cast<double>(clips) / 13);
  return {train, val, clips - train - val};
}

std::vector<ClipPlan> plan_demo_set(std::uint64_t seed, std::int64_t clips, const std::optional<DemoMoments>& moments) {
  const auto sizes = split_sizes(clips);
  GLINT_CHECK(sizes.val >= 1 && sizes.test >= 2, clips, " clips");
  auto [plan, val, test] = moments ? plan_named(seed, sizes, *moments) : plan_told(seed, sizes);
  plan.insert(plan.end(), std::make_move_iterator(val.begin()), std::make_move_iterator(val.end()));
  plan.insert(plan.end(), std::make_move_iterator(test.begin()), std::make_move_iterator(test.end()));
  make_phone_video(*(plan.end() - sizes.test));
  return plan;
}

}  // namespace glint::demo
