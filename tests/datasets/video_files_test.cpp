#include "datasets/video_files.h"

#include "datasets/official_set.h"

namespace glint::test {
namespace {

using testing::Optional;

class VideoFolderTest : public OfficialSetTest {
 protected:
  VideoFolderTest() : OfficialSetTest("msrvtt") {}
  std::optional<std::filesystem::path> find(const std::string& id, NameRule rule = NameRule::kStem) const {
    return VideoFolder(folder_.path(), rule).find(id);
  }
};

TEST_F(VideoFolderTest, FindsFilesInAllFoldersWithAnyExtension) {
  write_videos({"a.mp4", "x/b.WebM", "x/y/z/c.d.e.mkv", "-f.avi", "g.txt", "h", "é.mov"});
  EXPECT_THAT(find("a"), Optional(folder_ / "a.mp4"));
  EXPECT_THAT(find("b"), Optional(folder_ / "x/b.WebM"));
  EXPECT_THAT(find("c.d.e"), Optional(folder_ / "x/y/z/c.d.e.mkv"));
  EXPECT_THAT(find("-f"), Optional(folder_ / "-f.avi"));
  EXPECT_THAT(find("é"), Optional(folder_ / "é.mov"));
  EXPECT_FALSE(find("g"));
  EXPECT_FALSE(find("h"));
  EXPECT_FALSE(find("c"));
}

TEST_F(VideoFolderTest, OneOfSeveralFilesIsChosenTheSameWayAlways) {
  write_videos({"p/a.avi", "q/a.mp4", "b/deep/b.mp4", "z/b.mp4", "y/c.mp4", "x/c.mp4"});
  EXPECT_THAT(find("a"), Optional(folder_ / "q/a.mp4"));
  EXPECT_THAT(find("b"), Optional(folder_ / "z/b.mp4"));
  EXPECT_THAT(find("c"), Optional(folder_ / "x/c.mp4"));
}

TEST_F(VideoFolderTest, TheOtherUnicodeFormIsTakenAndTheExactOneFirst) {
  const std::string composed = "caf\xC3\xA9", decomposed = "cafe\xCC\x81";
  write_videos({decomposed + ".mp4",
                "x/\xC3\xA9"
                "e\xCC\x81.mp4",
                "y/e\xCC\x81\xC3\xA9.mp4"});
  EXPECT_THAT(find(composed), Optional(folder_ / (decomposed + ".mp4")));
  EXPECT_THAT(find("\xC3\xA9"
                   "e\xCC\x81"),
              Optional(folder_ / "x/\xC3\xA9"
                                 "e\xCC\x81.mp4"));
  EXPECT_THAT([&] { find("\xC3\xA9\xC3\xA9"); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("differ in their Unicode form alone")));
  write_videos({composed + ".mp4"});
  EXPECT_THAT(find(composed), Optional(folder_ / (composed + ".mp4")));
}

TEST_F(VideoFolderTest, AnotherSpellingIsTakenWhereItIsTheOnlyOne) {
  write_videos({"Video7.mp4", "abC.mp4", "aBc.mp4"});
  EXPECT_THAT(find("video7"), Optional(folder_ / "Video7.mp4"));
  EXPECT_THAT(find("aBc"), Optional(folder_ / "aBc.mp4"));
  EXPECT_FALSE(find("ABC"));
}

TEST_F(VideoFolderTest, LinksThatLeadInCirclesAndFoldersOfNoUseDoNoHarm) {
  write_videos({"real/a.mp4"});
  std::filesystem::create_directory_symlink(folder_.path(), folder_ / "real/back");
  std::filesystem::create_directory_symlink("nowhere", folder_ / "broken");
  const TemporaryFolder elsewhere;
  std::ofstream(elsewhere / "b.mp4");
  std::filesystem::create_directory_symlink(elsewhere.path(), folder_ / "disk");
  EXPECT_THAT(find("a"), Optional(folder_ / "real/a.mp4"));
  EXPECT_THAT(find("b"), Optional(folder_ / "disk/b.mp4"));
  std::string deep = "d";
  for (int i = 0; i < 30; ++i) deep += "/d";
  write_videos({deep + "/c.mp4"});
  EXPECT_FALSE(find("c"));
}

TEST_F(VideoFolderTest, DataSetsHaveRulesOfTheirOwn) {
  write_videos({"1@N_2_a.mov.mp4", "v_abcdefghijk.mp4", "v_short.mp4", "ends."});
  EXPECT_THAT(find("1@N_2_a.avi", NameRule::kFirstDot), Optional(folder_ / "1@N_2_a.mov.mp4"));
  EXPECT_THAT(find("ends.", NameRule::kFirstDot), Optional(folder_ / "ends."));
  EXPECT_FALSE(find("ends"));
  EXPECT_THAT(find("abcdefghijk", NameRule::kOptionalV), Optional(folder_ / "v_abcdefghijk.mp4"));
  EXPECT_FALSE(find("short", NameRule::kOptionalV));
}

}  // namespace
}  // namespace glint::test
