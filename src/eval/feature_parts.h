#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace glint {

// A part of the rows of a file of features.
struct FeaturePart {
  std::filesystem::path path;
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Features in files of some items each, beside the file that they become in the end.
class FeatureParts {
 public:
  // `key` tells what they are made of; parts of another make are thrown away.
  FeatureParts(const std::filesystem::path& out, const std::string& key, std::size_t texts, std::size_t clips);

  const std::vector<FeaturePart>& texts() const { return texts_; }
  const std::vector<FeaturePart>& clips() const { return clips_; }
  void prepare() const;  // by one process, before others look
  void remove() const;

 private:
  std::filesystem::path folder_;
  std::string key_;
  std::vector<FeaturePart> texts_, clips_;
};

}  // namespace glint
