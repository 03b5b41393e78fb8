#include <algorithm>
#include <array>
#include <utility>

#include "datasets/demo_plan.h"
#include "glint/core/error.h"
#include "glint/core/random.h"

// A mean over a clip's frames sees every colour and shape of the clip, so these must not tell clips apart: each clip
// uses all colours, and all shapes, equally often (up to what its number of moments allows).
namespace glint::demo {
namespace {

Moment moment_of(const Thing& a, const Thing& b) {
  return {std::min(a, b), std::max(a, b)};
}

// 0 ... kinds-1 again and again, each round in another order; `wanted` of them, an even number.
std::vector<int> draw_evenly(Random& random, int kinds, std::size_t wanted) {
  std::vector<int> values;
  while (values.size() < wanted) {
    for (const auto value : random.permutation(kinds)) values.push_back(static_cast<int>(value));
  }
  values.resize(wanted);
  return values;
}

// Renames values, one to one, so that those at `at` and at + 1 become `first` and `second`.
void rename(std::vector<int>& values, std::size_t at, int first, int second) {
  const auto exchange = [&](int a, int b) {
    for (auto& value : values) value = value == a ? b : value == b ? a : value;
  };
  exchange(values[at], first);
  exchange(values[at + 1], second);
}

// Moments around `named`, which is the one at `place`.
std::vector<Moment> draw_around(Random& random, const Moment& named, std::size_t place, std::size_t events) {
  auto colours = draw_evenly(random, kNumColours, 2 * events);
  auto shapes = draw_evenly(random, kNumShapes, 2 * events);
  rename(colours, 2 * place, static_cast<int>(named.one.colour), static_cast<int>(named.other.colour));
  rename(shapes, 2 * place, static_cast<int>(named.one.shape), static_cast<int>(named.other.shape));
  std::vector<Moment> moments;
  for (std::size_t i = 0; i < colours.size(); i += 2) {
    moments.push_back(moment_of({static_cast<Colour>(colours[i]), static_cast<Shape>(shapes[i])},
                                {static_cast<Colour>(colours[i + 1]), static_cast<Shape>(shapes[i + 1])}));
  }
  return moments;
}

// Exchanges shapes between moments, all but the one at `place`, until none is `unwanted`; false where none of many
// exchanges helps and another clip must be drawn. Without this a million clips would be drawn where half of all moments
// are unwanted.
template <class Unwanted>
bool mend(std::vector<Moment>& moments, std::size_t place, Random& random, const Unwanted& unwanted) {
  const auto count = [&](const Moment& a, const Moment& b) { return (unwanted(a) ? 1 : 0) + (unwanted(b) ? 1 : 0); };
  const auto is_done = [&] {
    for (std::size_t i = 0; i < moments.size(); ++i) {
      if (i != place && unwanted(moments[i])) return false;
    }
    return true;
  };
  for (int tries = 0; tries < 200; ++tries) {
    if (is_done()) return true;
    const auto i = random.below(moments.size()), j = random.below(moments.size());
    if (i == j || i == place || j == place) continue;
    const auto &a = moments[i], &b = moments[j];
    const Moment new_a = moment_of({a.one.colour, b.one.shape}, a.other);
    const Moment new_b = moment_of({b.one.colour, a.one.shape}, b.other);
    const bool valid = new_a.one.shape != new_a.other.shape && new_b.one.shape != new_b.other.shape;
    if (!valid || count(new_a, new_b) > count(a, b)) continue;
    moments[i] = new_a;
    moments[j] = new_b;
  }
  return is_done();
}

// One moment of each two that are told with the same words, in random order.
std::vector<Moment> draw_all_moments(Random& random) {
  std::vector<Moment> all;
  for (int colour = 0; colour < kNumColours * kNumColours; ++colour) {
    for (int shape = 0; shape < kNumShapes * kNumShapes; ++shape) {
      const Thing a{static_cast<Colour>(colour / kNumColours), static_cast<Shape>(shape / kNumShapes)};
      const Thing b{static_cast<Colour>(colour % kNumColours), static_cast<Shape>(shape % kNumShapes)};
      if (a.colour < b.colour && a.shape < b.shape) all.push_back(moment_of(a, b));
    }
  }
  std::vector<Moment> shuffled;
  for (const auto i : random.permutation(std::ssize(all))) {
    const auto& moment = all[static_cast<std::size_t>(i)];
    shuffled.push_back(random.chance(0.5) ? moment : exchanged(moment));
  }
  return shuffled;
}

}  // namespace

Moment exchanged(const Moment& moment) {
  return moment_of({moment.one.colour, moment.other.shape}, {moment.other.colour, moment.one.shape});
}

std::vector<PlannedMoments> plan_moments(const MomentRules& rules, std::uint64_t key) {
  Random random{key};
  const auto all = draw_all_moments(random);
  const auto namings = rules.count - rules.distractor_pairs;
  GLINT_CHECK(namings >= 0 && (!rules.strict || namings <= std::ssize(all)), rules.count, " clips");
  std::set<Moment> kept;  // for the captions: seen in the clip that is named by it and nowhere else
  for (std::int64_t i = 0; rules.strict && i < namings; ++i) {
    kept.insert(all[static_cast<std::size_t>(i)]);
    if (i < rules.distractor_pairs) kept.insert(exchanged(all[static_cast<std::size_t>(i)]));
  }
  std::vector<PlannedMoments> planned;
  for (std::int64_t i = 0; i < namings;) {
    const auto& named = all[static_cast<std::size_t>(i % std::ssize(all))];
    const bool pair = i < rules.distractor_pairs;
    const auto choices = static_cast<std::uint64_t>(rules.max_events - rules.min_events + 1);
    const bool alone = !pair && random.chance(rules.alone);
    const auto events = alone ? 1 : static_cast<std::size_t>(rules.min_events) + random.below(choices);
    const auto place = random.below(events);
    auto moments = draw_around(random, named, place, events);
    const auto unwanted = [&](const Moment& moment) {
      return kept.contains(moment) || (pair && kept.contains(exchanged(moment)));
    };
    if (!mend(moments, place, random, unwanted)) continue;
    std::vector<Moment> partner;
    for (const auto& moment : moments) partner.push_back(exchanged(moment));
    planned.push_back({std::move(moments), place, pair});
    if (pair) planned.push_back({std::move(partner), place, true});
    ++i;
  }
  std::vector<PlannedMoments> shuffled;
  for (const auto i : random.permutation(std::ssize(planned))) {
    shuffled.push_back(std::move(planned[static_cast<std::size_t>(i)]));
  }
  return shuffled;
}

}  // namespace glint::demo
