#include "app/stage_words.h"

#include "glint/config/config_file.h"
#include "glint/core/error.h"

namespace glint::app {

void refuse_outside(const std::vector<std::string>& words, Stage first, Stage last, const std::string& who,
                    const std::string& why) {
  for (const auto& word : words) {
    const auto rule = find_rule(key_of(word));
    if (!rule) continue;  // the reader of settings names the nearest known key
    if (rule->first_stage > last || rule->last_stage < first) throw Error(who, "'", word, "' ", why);
  }
}

}  // namespace glint::app
