#include "parity/parity.h"

namespace glint::test {

const std::map<std::string, ParityCheck>& parity_checks() {
  static const std::map<std::string, ParityCheck> checks = {
      {"clip_tower", check_clip_tower},
      {"frame_sampling", check_frame_sampling},
      {"tokenizer", check_tokenizer},
  };
  return checks;
}

}  // namespace glint::test
