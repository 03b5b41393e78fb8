#include "train/bad_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::internal::CaptureStderr;
using testing::internal::GetCapturedStderr;

class BadFilesTest : public testing::Test {
 protected:
  std::vector<std::string> listed() const {
    std::vector<std::string> ids;
    for (const auto& clip : BadFiles(folder_.path()).read()) ids.push_back(clip.clip);
    return ids;
  }
  static std::string said_by(BadFiles& list, const std::vector<BadClip>& clips) {
    CaptureStderr();
    list.add(clips);
    return GetCapturedStderr();
  }
  TemporaryFolder folder_;
};

TEST_F(BadFilesTest, ClipsAreListedWhateverTheirNamesHoldAndTheListIsNamedOnce) {
  BadFiles list(folder_.path());
  EXPECT_EQ(said_by(list, {{"a", "a.mp4: empty"}}), "warning: clip 'a' is left out: a.mp4: empty\n" +
                                                        (folder_ / "bad_files.jsonl").string() +
                                                        " lists the clips that are left out, each with its cause\n");
  EXPECT_EQ(said_by(list, {{"b\xFF", "said \"no\""}}), "warning: clip 'b?' is left out: said \"no\"\n");
  EXPECT_EQ(read_file(folder_ / "bad_files.jsonl"),
            "{\"clip\":\"a\",\"cause\":\"a.mp4: empty\"}\n"
            "{\"clip\":\"b\xEF\xBF\xBD\",\"cause\":\"said \\\"no\\\"\"}\n");
  EXPECT_EQ(said_by(list, {}), "");
}

TEST_F(BadFilesTest, EachClipStandsThereOnceAndIsWarnedOfOnceAfterAResumeAndWithSeveralProcessesToo) {
  BadFiles first(folder_.path()), second(folder_.path());
  first.add({{"a", "empty"}, {"b\xFF", "cut"}});
  EXPECT_EQ(said_by(first, {{"a", "empty"}}), "");
  EXPECT_EQ(said_by(second, {{"a", "empty"}, {"b\xFF", "cut"}}), "");
  EXPECT_THAT(said_by(second, {{"c", "garbage"}, {"a", "empty"}}), HasSubstr("clip 'c'"));
  BadFiles resumed(folder_.path());
  EXPECT_EQ(said_by(resumed, {{"c", "garbage"}}), "");
  EXPECT_THAT(listed(), ElementsAre("a", "b\xEF\xBF\xBD", "c"));
}

TEST_F(BadFilesTest, OfManyCausesFiveAreNamedAndAFileOfManyClipsOnce) {
  BadFiles list(folder_.path());
  std::vector<BadClip> clips;
  for (int i = 0; i < 16; ++i) clips.push_back({concat("clip_", i), concat("file_", i / 2, ".mp4: cut")});
  const auto log = said_by(list, clips);
  for (int i = 0; i < 16; ++i) {
    const auto named = HasSubstr(concat("clip 'clip_", i, "' is left out"));
    EXPECT_EQ(testing::Value(log, named), i % 2 == 0 && i < 10) << log;
  }
  EXPECT_THAT(log, HasSubstr("more files are bad"));
  EXPECT_EQ(listed().size(), 16u);
}

TEST_F(BadFilesTest, ALineThatAKillCutShortIsNoneAndSpoilsNoOther) {
  std::ofstream(folder_ / "bad_files.jsonl") << "{\"clip\":\"a\",\"cause\":\"empty\"}\n{\"clip\":\"b\",\"ca";
  EXPECT_THAT(listed(), ElementsAre("a"));
  BadFiles(folder_.path()).add({{"b", "cut"}, {"a", "empty"}});
  EXPECT_THAT(listed(), ElementsAre("a", "b"));
}

TEST_F(BadFilesTest, WithoutAListNothingIsBad) {
  EXPECT_THAT(listed(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(folder_ / ".bad_files.lock"));
}

}  // namespace
}  // namespace glint::test
