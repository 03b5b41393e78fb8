#include "glint/core/atomic_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <vector>

#include "glint/core/error.h"
#include "support/environment.h"

namespace glint::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

// Stands for a full disk: while it lives, no file of this process grows beyond `bytes`.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);  // write() fails instead
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_ = {};
};

class AtomicFileTest : public testing::Test {
 protected:
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_.path())) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  TemporaryFolder folder_;
};

TEST_F(AtomicFileTest, AppearsWholeAtCommitAndNotBefore) {
  const auto path = folder_ / "new/folders/a.txt";
  AtomicFile file(path);
  file.write("half ", 5);
  EXPECT_FALSE(fs::exists(path));
  file.write("whole", 5);
  file.commit();
  EXPECT_EQ(read_file(path), "half whole");
}

TEST_F(AtomicFileTest, DroppedWithoutCommitItLeavesTheOldFileAlone) {
  write_file(folder_ / "a.txt", "old");
  {
    AtomicFile file(folder_ / "a.txt");
    file.write("new", 3);
    EXPECT_EQ(read_file(folder_ / "a.txt"), "old");
  }
  EXPECT_EQ(read_file(folder_ / "a.txt"), "old");
  EXPECT_THAT(names(), ElementsAre("a.txt"));
}

TEST_F(AtomicFileTest, AFailedWriteNamesTheFileAndLeavesTheOldOneAlone) {
  write_file(folder_ / "a.txt", "old");
  {
    const FileSizeLimit full(1000);
    const auto write = [&] { write_file(folder_ / "a.txt", std::string(5000, 'n')); };
    EXPECT_THAT(write, ThrowsMessage<Error>(
                           AllOf(HasSubstr("a.txt: the file cannot be written: "), testing::Not(HasSubstr(".tmp")))));
  }
  EXPECT_EQ(read_file(folder_ / "a.txt"), "old");
  EXPECT_THAT(names(), ElementsAre("a.txt"));
  write_file(folder_ / "a.txt", std::string(5000, 'n'));
  EXPECT_EQ(read_file(folder_ / "a.txt").size(), 5000U);
}

TEST_F(AtomicFileTest, WhatCannotBePutInPlaceLeavesNothingBehind) {
  write_file(folder_ / "taken/inside.txt", "kept");
  EXPECT_THAT([&] { write_file(folder_ / "taken", "text"); },
              ThrowsMessage<Error>(HasSubstr("taken: is a folder, and a file is to be written there")));
  EXPECT_THAT(names(), ElementsAre("taken"));
  EXPECT_EQ(read_file(folder_ / "taken/inside.txt"), "kept");
  EXPECT_THAT([&] { write_file(folder_ / "taken/inside.txt/a.txt", "text"); },
              ThrowsMessage<Error>(HasSubstr("inside.txt: the folder cannot be made: Not a directory")));
}

TEST_F(AtomicFileTest, ReadingNamesWhatIsMissingNoFileOrTooLarge) {
  write_file(folder_ / "a.txt", "four");
  EXPECT_EQ(read_file(folder_ / "a.txt", 4), "four");
  EXPECT_THAT([&] { read_file(folder_ / "a.txt", 3); },
              ThrowsMessage<Error>(HasSubstr("a.txt: is larger than the 3 bytes")));
  EXPECT_THAT([&] { read_file(folder_ / "b.txt"); }, ThrowsMessage<Error>(HasSubstr("b.txt: No such file")));
  EXPECT_THAT([&] { read_file(folder_.path()); }, ThrowsMessage<Error>(HasSubstr("is a folder")));
}

TEST_F(AtomicFileTest, AFolderIsPublishedWholeAndReplacesNothing) {
  write_file(folder_ / "made/a.txt", "a");
  publish_folder(folder_ / "made", folder_ / "place");
  EXPECT_THAT(names(), ElementsAre("place"));
  fs::create_directory(folder_ / "made");
  EXPECT_THAT([&] { publish_folder(folder_ / "made", folder_ / "place"); },
              ThrowsMessage<Error>(HasSubstr("place: exists already")));
  EXPECT_EQ(read_file(folder_ / "place/a.txt"), "a");
}

TEST_F(AtomicFileTest, AFolderIsWrittenOnlyWhereNothingIsYet) {
  EXPECT_NO_THROW(require_new_or_empty(folder_ / "new"));
  EXPECT_NO_THROW(require_new_or_empty(folder_ / "new/in/new"));
  fs::create_directory(folder_ / "empty");
  EXPECT_NO_THROW(require_new_or_empty(folder_ / "empty"));
  write_file(folder_ / "full/a.txt", "a");
  EXPECT_THAT([&] { require_new_or_empty(folder_ / "full"); },
              ThrowsMessage<Error>(HasSubstr("full: is there already and not empty; name a new or empty folder")));
  EXPECT_THAT([&] { require_new_or_empty(folder_ / "full/a.txt"); },
              ThrowsMessage<Error>(HasSubstr("a.txt: is there already; name a new or empty folder")));
}

}  // namespace
}  // namespace glint::test
