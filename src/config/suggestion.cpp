#include "config/suggestion.h"

#include <algorithm>
#include <utility>

#include "config/fields.h"
#include "glint/core/error.h"

namespace glint {
namespace {

// Letters to insert, drop, change or swap with their neighbour on the way from `a` to `b`.
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last = std::exchange(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

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
  if (key.size() > 64) return "";
  std::string nearest;
  std::size_t least = key.size() / 3 + 2;  // farther away it is another word
  for (const auto& word : known) {
    const std::size_t distance = edit_distance(key, word);
    if (distance < least) {
      least = distance;
      nearest = word;
    }
  }
  if (!nearest.empty()) return concat("; did you mean ", nearest, "?");
  const std::string other = elsewhere(key);
  if (other == section + "." + key) return "; it belongs to another head";
  if (!other.empty()) return concat("; did you mean ", other, "?");
  return concat("; there are ", joined(known));
}

}  // namespace glint
