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
FileKind choose_file(Random random, std::uint64_t number, std::size_t events) {
  FileKind file;
  choose_container(file, number);
  choose_rate(file, number);
  const auto size = kPictureSizes[random.below(std::size(kPictureSizes))];
  file.width = size.width;
  file.height = size.height;
  file.audio = number % 7 == 3;
  file.duration_s = draw_duration(random, events);
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

std::vector<ClipPlan> plan_split(const std::string& split, const StoryRules& rules, std::uint64_t key,
                                 std::set<Story>& taken) {
  std::vector<ClipPlan> clips;
  for (auto& planned : plan_stories(rules, mix({key, kStories}), taken)) {
    const std::uint64_t number = clips.size() + 1;
    const auto caption_key = mix({key, kCaption, number});
    ClipPlan clip;
    clip.split = split;
    clip.name = clip_name(split, number);
    clip.file = choose_file(Random{key, kFile, number}, number, planned.story.size());
    clip.captions = rules.strict ? std::vector{describe(planned.story, true, caption_key)}
                                 : describe_often(planned.story, caption_key);
    clip.story = std::move(planned.story);
    clip.order_pair = planned.order_pair;
    clip.look = mix({key, kLook, number});
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

}  // namespace

SplitSizes split_sizes(std::int64_t clips) {
  const std::int64_t train = std::llround(static_cast<double>(clips) * 10 / 13);
  const std::int64_t val = std::llround(static_cast<double>(clips) / 13);
  return {train, val, clips - train - val};
}

std::vector<ClipPlan> plan_demo_set(std::uint64_t seed, std::int64_t clips) {
  const auto sizes = split_sizes(clips);
  GLINT_CHECK(sizes.val >= 1 && sizes.test >= 2, clips, " clips");
  std::set<Story> taken;
  auto test =
      plan_split("test", told_rules(sizes.test, std::max<std::int64_t>(1, sizes.test / 10)), mix({seed, 1}), taken);
  auto val = plan_split("val", told_rules(sizes.val, sizes.val / 10), mix({seed, 2}), taken);
  auto plan = plan_split("train", train_rules(sizes.train), mix({seed, 3}), taken);
  plan.insert(plan.end(), std::make_move_iterator(val.begin()), std::make_move_iterator(val.end()));
  plan.insert(plan.end(), std::make_move_iterator(test.begin()), std::make_move_iterator(test.end()));
  make_phone_video(*(plan.end() - sizes.test));
  return plan;
}

}  // namespace glint::demo
