#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace glint {

// The text in Unicode's composed form (NFC): an e and an accent that follows it become one character. macOS writes
// names of files decomposed, everyone else composed. Text that is not UTF-8 comes back as it is.
std::string normal_form(std::string_view text);

// Names in the order in which they were added, found as they are written or, where nothing is written so, by their
// normal form.
class NameIndex {
 public:
  NameIndex() = default;
  explicit NameIndex(const std::vector<std::string>& names);  // of two equal ones the first counts

  bool add(const std::string& name);  // false where it is there already, written alike
  // The place of `name`; Error naming both where several names have its normal form and none is written alike.
  std::optional<std::size_t> find(std::string_view name) const;
  const std::string& name(std::size_t place) const { return names_.at(place); }
  std::size_t size() const { return names_.size(); }

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::size_t> places_;
  std::unordered_map<std::string, std::vector<std::size_t>> forms_;  // normal form -> names that are written so or not
};

}  // namespace glint
