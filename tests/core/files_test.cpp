#include "glint/core/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "support/environment.h"

namespace glint::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(FilesTest, WhatIsNotThereIsNoFailure) {
  const TemporaryFolder folder;
  write_file(folder.path() / "a", "text");
  for (const auto& path : {folder.path() / "b", folder.path() / "a" / "below a file"}) {
    EXPECT_FALSE(files::exists(path));
    EXPECT_FALSE(files::is_file(path));
    EXPECT_FALSE(files::is_folder(path));
    EXPECT_FALSE(files::is_link(path));
  }
  EXPECT_FALSE(files::remove(folder.path() / "b"));
}

TEST(FilesTest, APathThatCannotBeLookedAtIsAnErrorWithTheCause) {
  const TemporaryFolder folder;
  const auto circle = folder.path() / "circle";
  files::link(circle, circle);
  const auto long_name = folder.path() / std::string(300, 'a');
  EXPECT_THAT([&] { files::exists(circle); },
              ThrowsMessage<Error>(AllOf(HasSubstr(circle.string()), HasSubstr("Too many levels of symbolic links"))));
  EXPECT_THAT([&] { files::is_file(long_name); }, ThrowsMessage<Error>(HasSubstr("File name too long")));
  EXPECT_THAT([&] { files::size(folder.path() / "b"); }, ThrowsMessage<Error>(HasSubstr("No such file")));
  EXPECT_THAT([&] { files::list(folder.path() / "b"); }, ThrowsMessage<Error>(HasSubstr("No such file")));
  EXPECT_TRUE(files::is_link(circle));
}

TEST(FilesTest, AListIsSortedAndTellsFoldersAlsoThroughLinks) {
  const TemporaryFolder folder;
  write_file(folder.path() / "b", "");
  write_file(folder.path() / "a" / "c", "");
  files::link(folder.path() / "a", folder.path() / "d");
  files::link(folder.path() / "nowhere", folder.path() / "e");
  std::vector<std::string> names, folders, below;
  for (const auto& entry : files::list(folder.path())) {
    names.push_back(entry.path.filename().string());
    if (entry.is_folder) folders.push_back(names.back());
  }
  EXPECT_THAT(names, ElementsAre("a", "b", "d", "e"));
  EXPECT_THAT(folders, ElementsAre("a", "d"));
  for (const auto& entry : files::list_below(folder.path())) below.push_back(entry.path.filename().string());
  EXPECT_THAT(below, ElementsAre("a", "c", "b", "d", "e"));
}

TEST(FilesTest, TheBlocksOfAFileAreItsBytes) {
  const TemporaryFolder folder;
  const std::string text(3'000'000, 'x');
  write_file(folder.path() / "a", text);
  std::string read;
  files::for_each_block(folder.path() / "a", [&](std::string_view block) { read += block; });
  EXPECT_EQ(read, text);
  EXPECT_THAT([&] { files::for_each_block(folder.path(), [](std::string_view) {}); },
              ThrowsMessage<Error>(HasSubstr("is a folder")));
}

TEST(ErrorTest, TheMachinesShortageIsNoUsersMistake) {
  for (const int code : {EIO, ESTALE, ENOMEM, EMFILE, ENFILE, EAGAIN, ETIMEDOUT, ENOTCONN}) {
    EXPECT_THROW(throw_errno("a/b.json", code), NotNow) << code;
  }
  for (const int code : {ENOENT, EACCES, EPERM, ELOOP, ENAMETOOLONG, ENOSPC, EROFS, EISDIR, ENOTDIR}) {
    EXPECT_THROW(throw_errno("a/b.json", code), Error) << code;
  }
  EXPECT_THAT([] { throw_errno("a/b.json", ENOENT); }, ThrowsMessage<Error>("a/b.json: No such file or directory"));
  EXPECT_THAT([] { throw_errno("a/b.json", EMFILE); },
              ThrowsMessage<NotNow>(AllOf(HasSubstr("Too many open files"), HasSubstr("ulimit -n"))));
}

}  // namespace
}  // namespace glint::test
