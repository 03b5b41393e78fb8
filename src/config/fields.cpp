#include "config/fields.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "glint/config/config_file.h"
#include "glint/core/error.h"

namespace glint {
namespace {

template <std::size_t... Index>
std::vector<HeadConfig> make_heads(std::index_sequence<Index...>) {
  return {HeadConfig(std::variant_alternative_t<Index, HeadConfig>{})...};
}

// All digits of a whole number.
std::string bound_text(double bound) {
  const bool is_whole = std::abs(bound) < 1e16 && bound == std::floor(bound);
  return is_whole ? std::to_string(static_cast<std::int64_t>(bound)) : concat(bound);
}

}  // namespace

std::string SettingRule::text() const {
  if (std::isfinite(high)) {
    return concat(low_open ? "(" : "[", bound_text(low), ", ", bound_text(high), high_open ? ")" : "]");
  }
  if (std::isfinite(low)) return concat(low_open ? "> " : ">= ", bound_text(low));
  return "";
}

std::vector<HeadConfig> all_heads() {
  return make_heads(std::make_index_sequence<std::variant_size_v<HeadConfig>>());
}

std::vector<std::string> all_keys() {
  std::vector<std::string> keys;
  for (const auto& head : all_heads()) {
    Config config;
    config.head = head;
    for (const auto& setting : list_settings(config)) {
      if (std::find(keys.begin(), keys.end(), setting.key) == keys.end()) keys.push_back(setting.key);
    }
  }
  return keys;
}

}  // namespace glint
