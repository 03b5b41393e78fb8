#include "config/fields.h"

#include <cmath>
#include <utility>

#include "glint/core/error.h"

namespace glint {
namespace {

template <std::size_t... Index>
std::vector<HeadConfig> make_heads(std::index_sequence<Index...>) {
  return {HeadConfig(std::variant_alternative_t<Index, HeadConfig>{})...};
}

// Collects the full names of all fields.
struct KeyCollector {
  std::vector<std::string> keys = {};
  std::string prefix = {};

  template <class Value>
  void field(const char* name, Value&, const SettingRule&, const char*) {
    keys.push_back(prefix + name);
  }
  template <class Section>
  void section(const char* name, Section& section) {
    const std::string outer = prefix;
    prefix += concat(name, ".");
    describe(*this, section);
    prefix = outer;
  }
  void head(const char* name, HeadConfig&, const char*) {
    keys.push_back(concat(name, ".name"));
    for (auto& head : all_heads()) std::visit([&](auto& alternative) { section(name, alternative); }, head);
  }
};

}  // namespace

std::string SettingRule::text() const {
  if (std::isfinite(high)) return concat(low_open ? "(" : "[", low, ", ", high, high_open ? ")" : "]");
  if (std::isfinite(low)) return concat(low_open ? "> " : ">= ", low);
  return "";
}

std::vector<HeadConfig> all_heads() {
  return make_heads(std::make_index_sequence<std::variant_size_v<HeadConfig>>());
}

std::vector<std::string> all_keys() {
  Config config;
  KeyCollector collector;
  describe(collector, config);
  return collector.keys;
}

}  // namespace glint
