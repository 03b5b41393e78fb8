#include <array>
#include <span>

#include "datasets/demo_plan.h"
#include "glint/core/random.h"

namespace glint::demo {
namespace {

using Words = std::span<const char* const>;

constexpr double kOtherNoun = 0.25;  // how often a shape goes by its second name
constexpr double kUnsaidSize = 0.3;  // of an incomplete description
constexpr double kReversed = 0.08;   // "B after A"

constexpr const char* kColours[kNumColours] = {"red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink"};
constexpr const char* kSmallWords[] = {"small", "little", "tiny"};
constexpr const char* kLargeWords[] = {"big", "large", "huge"};

struct Noun {
  const char* usual;
  const char* other;
};
constexpr Noun kShapes[kNumShapes] = {{"circle", "disc"}, {"square", "box"},      {"triangle", "triangle"},
                                      {"star", "star"},   {"cross", "plus sign"}, {"ring", "hoop"}};

constexpr const char* kRise[] = {"rises", "goes up", "moves up", "floats up"};
constexpr const char* kFall[] = {"falls", "goes down", "moves down", "drops"};
constexpr const char* kRight[] = {"moves to the right", "goes right", "slides right", "drifts to the right"};
constexpr const char* kLeft[] = {"moves to the left", "goes left", "slides left", "drifts to the left"};
constexpr const char* kSpin[] = {"spins", "rotates", "turns around", "spins in place"};
constexpr const char* kGrow[] = {"grows", "gets bigger", "expands", "becomes larger"};
constexpr const char* kShrink[] = {"shrinks", "gets smaller", "becomes smaller"};
constexpr const char* kBlink[] = {"blinks", "flashes", "blinks on and off"};
const std::array<Words, kNumMotions> kMotions = {kRise, kFall, kRight, kLeft, kSpin, kGrow, kShrink, kBlink};

// %: the next event as a sentence ("a red circle rises"); &: as a noun with a clause ("a red circle that rises").
constexpr const char* kOne[] = {"%", "&", "there is &", "we see &"};
constexpr const char* kTwo[] = {"first %, then %",
                                "%, then %",
                                "% and then %",
                                "% before %",
                                "%, followed by &",
                                "at first %, later %",
                                "the video starts with & and ends with &"};
constexpr const char* kThree[] = {"first %, then %, and finally %", "%, then %, then %", "%, next %, and in the end %",
                                  "the video starts with &, goes on with & and ends with &"};
constexpr const char* kTwoReversed = "% after %";

constexpr const char* kBeside[] = {"% beside %",          "% next to %",        "% and %",         "% together with %",
                                   "there is % beside %", "we see % next to %", "% appears with %"};

const char* pick(Random& random, Words words) {
  return words[random.below(words.size())];
}

std::string colour_and_noun(const Thing& thing, Random& random) {
  const auto& noun = kShapes[static_cast<std::size_t>(thing.shape)];
  return kColours[static_cast<std::size_t>(thing.colour)] + std::string(" ") +
         (random.chance(kOtherNoun) ? noun.other : noun.usual);
}

std::string with_article(const std::string& words) {
  return (words[0] == 'o' ? "an " : "a ") + words;
}

std::string noun_phrase(const Event& event, bool complete, Random& random) {
  std::string words;
  if (event.size != Size::kChanging && (complete || !random.chance(kUnsaidSize))) {
    words = pick(random, event.size == Size::kSmall ? Words(kSmallWords) : Words(kLargeWords)) + std::string(" ");
  }
  return with_article(words + colour_and_noun({event.colour, event.shape}, random));
}

const char* choose_frame(std::size_t events, Random& random) {
  if (events == 1) return pick(random, kOne);
  return pick(random, events == 2 ? Words(kTwo) : Words(kThree));
}

}  // namespace

std::string describe(const Story& story, bool complete, std::uint64_t key) {
  Random random{key};
  const bool reversed = story.size() == 2 && random.chance(kReversed);
  const std::string frame = reversed ? kTwoReversed : choose_frame(story.size(), random);
  std::string text;
  std::size_t told = 0;
  for (const char letter : frame) {
    if (letter != '%' && letter != '&') {
      text += letter;
      continue;
    }
    const auto& event = story[reversed ? story.size() - 1 - told : told];
    ++told;
    text += noun_phrase(event, complete, random);
    text += letter == '&' ? " that " : " ";
    text += pick(random, kMotions[static_cast<std::size_t>(event.motion)]);
  }
  return text;
}

std::string describe(const Moment& moment, std::uint64_t key) {
  Random random{key};
  const bool other_first = random.chance(0.5);
  const std::array<Thing, 2> things = {other_first ? moment.other : moment.one,
                                       other_first ? moment.one : moment.other};
  std::string text;
  std::size_t told = 0;
  for (const char letter : std::string(pick(random, kBeside))) {
    if (letter == '%') {
      text += with_article(colour_and_noun(things[told++], random));
    } else {
      text += letter;
    }
  }
  return text;
}

}  // namespace glint::demo
