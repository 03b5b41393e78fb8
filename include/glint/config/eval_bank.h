#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace glint {

// eval.bank: which queries post-processing learns of the gallery from.
struct EvalBank {
  bool is_test_queries = true;
  std::optional<std::int64_t> captions;  // of the training split; none: all
  std::optional<std::int64_t> videos;    // the same
  bool videos_as_captions = false;       // nothing is said of videos: as many as captions, where there are so many
};

// "test_queries", "train_captions", "train_captions:9000", "train_captions:9000,train_videos:500". Error naming
// eval.bank for anything else.
EvalBank parse_bank(const std::string& text);

}  // namespace glint
