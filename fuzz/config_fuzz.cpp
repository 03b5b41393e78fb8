#include "fuzz/scratch_file.h"
#include "glint/config/config_file.h"
#include "glint/core/error.h"

// Any bytes as a configuration file. What reads must be written and read again to the same settings.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static glint::fuzz::ScratchFile scratch(".yaml");
  glint::Config config;
  try {
    config = glint::read_config(scratch.holding(data, size), {});
  } catch (const glint::Error&) {  // refused, as it should be
    return 0;
  }
  const std::string text = glint::config_text(config, true);
  const auto again =
      glint::read_config(scratch.holding(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()), {});
  GLINT_CHECK(glint::config_text(again, true) == text, "settings changed on the way through their own text");
  return 0;
}
