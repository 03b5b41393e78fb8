#include "config/suggestion.h"

#include "config/fields.h"
#include "glint/core/error.h"
#include "glint/core/nearest.h"

namespace glint {
namespace {

constexpr std::size_t kLongestKey = 64;  // letters; what is longer is no slip of the hand

// The key with its section where another section has one of this name; empty where none has.
std::string elsewhere(const std::string& key) {
  for (const auto& full : all_keys()) {
    const auto dot = full.rfind('.');
    if (full.substr(dot + 1) == key) return full;
  }
  return "";
}

}  // namespace

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string hint_for_key(const std::string& section, const std::string& key, const std::vector<std::string>& known) {
  if (key.size() > kLongestKey) return "";
  const auto meant = nearest(key, known);
  if (!meant.empty()) return concat("; did you mean ", meant, "?");
  const std::string other = elsewhere(key);
  if (other == section + "." + key) return "; it belongs to another head";
  if (!other.empty()) return concat("; did you mean ", other, "?");
  return concat("; there are ", joined(known));
}

}  // namespace glint
