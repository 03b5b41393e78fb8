#pragma once

#include <compare>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

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
  std::string name;  // "test_0001"; with the extension the file's name
  Story story;
  FileKind file;
  std::vector<std::string> captions;
  bool order_pair = false;  // another clip of the split has the same events in another order
  std::uint64_t look = 0;   // key of everything that only looks: background, places, speeds
};

struct SplitSizes {
  std::int64_t train = 0;
  std::int64_t val = 0;
  std::int64_t test = 0;
};
SplitSizes split_sizes(std::int64_t clips);

// All clips, train before val before test; depends on (seed, clips) alone.
std::vector<ClipPlan> plan_demo_set(std::uint64_t seed, std::int64_t clips);

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

// A sentence that tells the story. `complete`: sizes are always named; otherwise now and then not. Different keys give
// different phrasings.
std::string describe(const Story& story, bool complete, std::uint64_t key);

}  // namespace glint::demo
