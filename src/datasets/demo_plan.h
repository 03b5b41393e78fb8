#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "glint/datasets/demo_set.h"

// What the demo set shows, before a pixel is drawn.
namespace glint::demo {

enum class Size { kSmall, kLarge, kChanging };  // kChanging: of what grows or shrinks
enum class Colour { kRed, kOrange, kYellow, kGreen, kCyan, kBlue, kPurple, kPink };
enum class Shape { kCircle, kSquare, kTriangle, kStar, kCross, kRing };
enum class Motion { kRise, kFall, kRight, kLeft, kSpin, kGrow, kShrink, kBlink };
constexpr int kNumColours = 8;
constexpr int kNumShapes = 6;
constexpr int kNumMotions = 8;

// One thing does one thing.
struct Event {
  Size size;
  Colour colour;
  Shape shape;
  Motion motion;
  auto operator<=>(const Event&) const = default;
};

// One to three events, one after the other, each with its own colour and its own shape.
using Story = std::vector<Event>;

struct Thing {
  Colour colour;
  Shape shape;
  auto operator<=>(const Thing&) const = default;
};

// Two things beside one another, of different colours and different shapes; which one is on the left is not said.
struct Moment {
  Thing one;  // < other
  Thing other;
  auto operator<=>(const Moment&) const = default;
};

// The kind of file a clip is stored in.
struct FileKind {
  std::string extension;  // ".mp4"
  std::string codec;      // as VideoWriter calls it
  int width = 0;          // of the picture shown; a rotated file stores it turned
  int height = 0;
  int fps_num = 25;  // time base
  int fps_den = 1;
  bool variable_rate = false;
  int rotation = 0;  // degrees clockwise a player must turn the file's pictures
  bool audio = false;
  double duration_s = 0;  // wanted; the last frame ends within half a frame of it
};

struct ClipPlan {
  std::string split;
  std::string name;             // "test_0001"; with the extension the file's name
  Story story;                  // empty in a set of moments
  std::vector<Moment> moments;  // one after the other; empty in the usual set
  FileKind file;
  std::vector<std::string> captions;
  std::vector<std::size_t> named;  // the moment that each caption names
  std::vector<std::string> tags;   // "order_pair": another clip of the split has the same events in another order
  std::uint64_t look = 0;          // key of everything that only looks: background, places, speeds
};

struct SplitSizes {
  std::int64_t train = 0;
  std::int64_t val = 0;
  std::int64_t test = 0;
};
SplitSizes split_sizes(std::int64_t clips);

// All clips, train before val before test; depends on the arguments alone.
std::vector<ClipPlan> plan_demo_set(std::uint64_t seed, std::int64_t clips,
                                    const std::optional<DemoMoments>& moments = {});

// The stories of one split in random order, pairs marked; none of them is in `taken`, where they are added. A story of
// a split with `strict` is not part of another one: its full description fits one clip alone.
struct PlannedStory {
  Story story;
  bool order_pair = false;
};
struct StoryRules {
  std::int64_t count = 0;
  std::int64_t order_pairs = 0;  // of two events or of three, by turns
  double one_event = 0;          // share of one event, of three events, among the stories that are in no pair
  double three_events = 0;
  bool strict = false;
};
std::vector<PlannedStory> plan_stories(const StoryRules& rules, std::uint64_t key, std::set<Story>& taken);

// `part`'s events are among those of `whole`, in this order.
bool is_part_of(const Story& part, const Story& whole);

// The clips of one split of a set of moments in random order.
struct PlannedMoments {
  std::vector<Moment> moments;
  std::size_t named = 0;    // with `strict`: no other moment of the split, in this clip or another, is equal
  bool distractor = false;  // another clip shows each moment with its two shapes exchanged
};
struct MomentRules {
  std::int64_t count = 0;
  std::int64_t distractor_pairs = 0;
  std::int64_t min_events = 0;
  std::int64_t max_events = 0;
  double alone = 0;  // share of single moments among the clips that are in no pair
  bool strict = false;
};
std::vector<PlannedMoments> plan_moments(const MomentRules& rules, std::uint64_t key);

// The moment with the shapes of its two things exchanged: it is described with the same words.
Moment exchanged(const Moment& moment);

// A phrase that names the moment, and nothing about when it happens.
std::string describe(const Moment& moment, std::uint64_t key);

// A sentence that tells the story. `complete`: sizes are always named; otherwise now and then not. Different keys give
// different phrasings.
std::string describe(const Story& story, bool complete, std::uint64_t key);

}  // namespace glint::demo
