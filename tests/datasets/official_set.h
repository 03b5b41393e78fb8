#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "glint/core/error.h"
#include "glint/datasets/dataset.h"
#include "support/environment.h"

namespace glint::test {

// A folder with the invented files of a data set, its videos (empty files) among them.
class OfficialSetTest : public testing::Test {
 protected:
  explicit OfficialSetTest(const std::string& name) {
    config_.name = name;
    config_.root = folder_.path().string();
  }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  void write_videos(const std::vector<std::string>& names) const {
    for (const auto& name : names) write(name, "");
  }
  void remove(const std::string& name) const { std::filesystem::remove(folder_ / name); }
  void expect_refused(const std::string& split, const std::string& sentence) const {
    EXPECT_THAT([&] { load_dataset(config_, split); }, testing::ThrowsMessage<Error>(testing::HasSubstr(sentence)));
  }

  TemporaryFolder folder_;
  DataConfig config_;
};

// "0:a dog": each caption behind the number of its clip.
inline std::vector<std::string> numbered_captions(const Dataset& dataset) {
  std::vector<std::string> texts;
  for (const auto& caption : dataset.captions) texts.push_back(concat(caption.clip, ":", caption.text));
  return texts;
}
inline std::vector<std::string> clip_ids(const Dataset& dataset) {
  std::vector<std::string> ids;
  for (const auto& clip : dataset.clips) ids.push_back(clip.id);
  return ids;
}
inline std::vector<std::string> left_out_ids(const Dataset& dataset) {
  std::vector<std::string> ids;
  for (const auto& video : dataset.left_out) ids.push_back(video.id);
  return ids;
}

}  // namespace glint::test
