#pragma once

#include <cstdint>
#include <string>

#include "glint/config/eval_bank.h"
#include "glint/datasets/dataset.h"

namespace glint {

// What a bank of post-processing is made of: captions for text-to-video, videos for video-to-text.
struct BankSample {
  Dataset captions;  // its captions are asked; its clips are not looked at
  Dataset clips;     // without captions
  std::string name;  // as the signature says it: "train_captions:9000+train_videos:9000"
};

// Drawn without replacement, in the data set's order. The seed stands in the name where less than all is drawn. Error
// where more is asked for than there is.
BankSample sample_bank(const Dataset& training, const EvalBank& bank, std::int64_t seed);

}  // namespace glint
