#include "datasets/demo_caption_reader.h"

#include <algorithm>
#include <map>
#include <sstream>

#include "glint/core/error.h"

namespace glint::test {
namespace {

using demo::Colour;
using demo::Motion;
using demo::Shape;
using demo::Size;

const std::map<std::string, Size> kSizes = {{"small", Size::kSmall}, {"little", Size::kSmall}, {"tiny", Size::kSmall},
                                            {"big", Size::kLarge},   {"large", Size::kLarge},  {"huge", Size::kLarge}};
const std::map<std::string, Colour> kColours = {
    {"red", Colour::kRed},   {"orange", Colour::kOrange}, {"yellow", Colour::kYellow}, {"green", Colour::kGreen},
    {"cyan", Colour::kCyan}, {"blue", Colour::kBlue},     {"purple", Colour::kPurple}, {"pink", Colour::kPink}};
const std::map<std::string, Shape> kShapes = {
    {"circle", Shape::kCircle},     {"disc", Shape::kCircle}, {"square", Shape::kSquare}, {"box", Shape::kSquare},
    {"triangle", Shape::kTriangle}, {"star", Shape::kStar},   {"cross", Shape::kCross},   {"plus", Shape::kCross},
    {"ring", Shape::kRing},         {"hoop", Shape::kRing}};
const std::map<std::string, Motion> kMotions = {
    {"rises", Motion::kRise},   {"up", Motion::kRise},      {"falls", Motion::kFall},     {"down", Motion::kFall},
    {"drops", Motion::kFall},   {"right", Motion::kRight},  {"left", Motion::kLeft},      {"spins", Motion::kSpin},
    {"rotates", Motion::kSpin}, {"turns", Motion::kSpin},   {"grows", Motion::kGrow},     {"bigger", Motion::kGrow},
    {"expands", Motion::kGrow}, {"larger", Motion::kGrow},  {"shrinks", Motion::kShrink}, {"smaller", Motion::kShrink},
    {"blinks", Motion::kBlink}, {"flashes", Motion::kBlink}};
const std::vector<std::string> kEmptyWords = {
    "a",      "an",     "that", "there",   "is",      "we",     "see",      "the",   "video", "starts",
    "with",   "and",    "ends", "goes",    "moves",   "on",     "off",      "first", "then",  "later",
    "next",   "at",     "in",   "end",     "finally", "before", "followed", "by",    "to",    "slides",
    "drifts", "floats", "gets", "becomes", "around",  "place",  "sign"};

const std::vector<std::string> kMomentWords = {"a",   "an",   "and",   "appears", "beside", "is",       "next",
                                               "see", "sign", "there", "to",      "we",     "together", "with"};

template <class T>
bool find(const std::map<std::string, T>& words, const std::string& word, std::optional<T>& value) {
  const auto found = words.find(word);
  if (found == words.end()) return false;
  value = found->second;
  return true;
}

}  // namespace

std::vector<ToldEvent> read_caption(const std::string& caption) {
  std::vector<ToldEvent> events;
  ToldEvent event;
  bool reversed = false;
  std::istringstream words(caption);
  for (std::string word; words >> word;) {
    word.erase(std::remove(word.begin(), word.end(), ','), word.end());
    if (word == "after") {
      reversed = true;
    } else if (find(kMotions, word, event.motion)) {  // the last word of an event that says anything
      GLINT_CHECK(event.colour && event.shape, caption);
      events.push_back(event);
      event = {};
    } else if (!find(kSizes, word, event.size) && !find(kColours, word, event.colour) &&
               !find(kShapes, word, event.shape)) {
      const bool known = std::find(kEmptyWords.begin(), kEmptyWords.end(), word) != kEmptyWords.end();
      GLINT_CHECK(known, "'", word, "' in '", caption, "'");
    }
  }
  GLINT_CHECK(!event.colour && !event.shape && !events.empty(), caption);
  if (reversed) std::reverse(events.begin(), events.end());
  return events;
}

demo::Moment read_moment(const std::string& caption) {
  std::vector<Colour> colours;
  std::vector<demo::Thing> things;
  std::istringstream words(caption);
  for (std::string word; words >> word;) {
    if (const auto colour = kColours.find(word); colour != kColours.end()) {
      colours.push_back(colour->second);
    } else if (const auto shape = kShapes.find(word); shape != kShapes.end()) {
      GLINT_CHECK(colours.size() == things.size() + 1, caption);
      things.push_back({colours.back(), shape->second});
    } else {
      const bool known = std::find(kMomentWords.begin(), kMomentWords.end(), word) != kMomentWords.end();
      GLINT_CHECK(known, "'", word, "' in '", caption, "'");
    }
  }
  GLINT_CHECK(things.size() == 2 && colours.size() == 2, caption);
  return {std::min(things[0], things[1]), std::max(things[0], things[1])};
}

bool fits(const std::vector<ToldEvent>& told, const demo::Story& story) {
  auto next = story.begin();
  for (const auto& event : told) {
    next = std::find_if(next, story.end(), [&](const demo::Event& shown) {
      return (!event.size || *event.size == shown.size) && event.colour == shown.colour && event.shape == shown.shape &&
             event.motion == shown.motion;
    });
    if (next == story.end()) return false;
    ++next;
  }
  return true;
}

}  // namespace glint::test
