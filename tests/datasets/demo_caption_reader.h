#pragma once

#include <optional>
#include <string>
#include <vector>

#include "datasets/demo_plan.h"

namespace glint::test {

// An event as a caption tells it: a size that is not named is not there, the rest always is.
struct ToldEvent {
  std::optional<demo::Size> size;
  std::optional<demo::Colour> colour;
  std::optional<demo::Shape> shape;
  std::optional<demo::Motion> motion;
};

// What happens, in the order it happens, read from a caption word by word. Throws Bug for a word it does not know, so
// that nothing is said which the test does not judge.
std::vector<ToldEvent> read_caption(const std::string& caption);

// The moment that a caption names. Throws Bug for a word it does not know.
demo::Moment read_moment(const std::string& caption);

// All of `told` happens in `story`, in this order.
bool fits(const std::vector<ToldEvent>& told, const demo::Story& story);

}  // namespace glint::test
