#pragma once

#include <string>
#include <vector>

#include "glint/config/setting_rule.h"

namespace glint::app {

// Throws Error for a word "section.key=value" whose setting no stage from `first` to `last` reads: it would be claimed
// all the same. The sentence is `who`, the word in quotes, and `why`.
void refuse_outside(const std::vector<std::string>& words, Stage first, Stage last, const std::string& who,
                    const std::string& why);

}  // namespace glint::app
