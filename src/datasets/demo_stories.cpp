#include <algorithm>
#include <utility>

#include "datasets/demo_plan.h"
#include "glint/core/random.h"

namespace glint::demo {
namespace {

bool turning_shows(Shape shape) {
  return shape != Shape::kCircle && shape != Shape::kRing;
}

Event draw_event(Random& random, Colour colour, Shape shape) {
  Event event{Size::kSmall, colour, shape, Motion::kRise};
  do {
    event.motion = static_cast<Motion>(random.below(kNumMotions));
  } while (event.motion == Motion::kSpin && !turning_shows(shape));
  if (event.motion == Motion::kGrow || event.motion == Motion::kShrink) {
    event.size = Size::kChanging;
  } else if (random.chance(0.5)) {
    event.size = Size::kLarge;
  }
  return event;
}

Story draw_story(Random& random, std::size_t events) {
  const auto colours = random.permutation(kNumColours);
  const auto shapes = random.permutation(kNumShapes);
  Story story;
  for (std::size_t i = 0; i < events; ++i) {
    story.push_back(draw_event(random, static_cast<Colour>(colours[i]), static_cast<Shape>(shapes[i])));
  }
  return story;
}

std::size_t draw_length(Random& random, const StoryRules& rules) {
  const double draw = random.uniform();
  return draw < rules.one_event ? 1 : draw < 1 - rules.three_events ? 2 : 3;
}

}  // namespace

bool is_part_of(const Story& part, const Story& whole) {
  auto next = whole.begin();
  for (const auto& event : part) {
    next = std::find(next, whole.end(), event);
    if (next == whole.end()) return false;
    ++next;
  }
  return true;
}

std::vector<PlannedStory> plan_stories(const StoryRules& rules, std::uint64_t key, std::set<Story>& taken) {
  Random random{key};
  std::vector<PlannedStory> planned;
  const auto fits = [&](const Story& story) {
    if (taken.contains(story)) return false;
    return !rules.strict || std::none_of(planned.begin(), planned.end(), [&](const PlannedStory& other) {
      return is_part_of(story, other.story) || is_part_of(other.story, story);
    });
  };
  const auto add = [&](const Story& story, bool order_pair) {
    planned.push_back({story, order_pair});
    taken.insert(story);
  };
  for (std::int64_t pairs = 0; pairs < rules.order_pairs;) {
    const Story story = draw_story(random, pairs % 2 == 0 ? 2 : 3);
    const Story reversed(story.rbegin(), story.rend());
    if (!fits(story) || !fits(reversed)) continue;
    add(story, true);
    add(reversed, true);
    ++pairs;
  }
  while (std::ssize(planned) < rules.count) {
    const Story story = draw_story(random, draw_length(random, rules));
    if (fits(story)) add(story, false);
  }
  const auto order = random.permutation(std::ssize(planned));
  std::vector<PlannedStory> shuffled;
  for (const auto i : order) shuffled.push_back(std::move(planned[static_cast<std::size_t>(i)]));
  return shuffled;
}

}  // namespace glint::demo
