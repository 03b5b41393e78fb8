#include "glint/core/mapped_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(MappedFileTest, ItsBytesAreReadInPlaceAndAsACopy) {
  const TemporaryFolder folder;
  write_file(folder / "a", "hello");
  const MappedFile file(folder / "a");
  ASSERT_EQ(file.size(), 5u);
  EXPECT_EQ(std::memcmp(file.data(), "hello", 5), 0);
  EXPECT_EQ(file.bytes(1, 3), "ell");
  EXPECT_THAT([&] { file.bytes(3, 3); }, ThrowsMessage<Error>(HasSubstr("a: is cut short")));
  EXPECT_THROW(file.bytes(UINT64_MAX, 2), Error);
}

TEST(MappedFileTest, WritingInPlaceLeavesTheFileAsItWas) {
  const TemporaryFolder folder;
  write_file(folder / "a", "hello");
  const MappedFile file(folder / "a");
  file.data()[0] = std::byte{'j'};
  EXPECT_EQ(read_file(folder / "a"), "hello");
}

TEST(MappedFileTest, TheBytesStayWhenTheFileIsReplacedOrDeleted) {
  const TemporaryFolder folder;
  write_file(folder / "a", "hello");
  const MappedFile file(folder / "a");
  write_file(folder / "a", "other");
  std::filesystem::remove(folder / "a");
  EXPECT_EQ(std::memcmp(file.data(), "hello", 5), 0);
}

TEST(MappedFileTest, AFileThatWasCutSinceIsAnErrorNotACrash) {
  const TemporaryFolder folder;
  write_file(folder / "a", "hello");
  const MappedFile file(folder / "a");
  EXPECT_EQ(file.bytes(0, 5), "hello");
  std::filesystem::resize_file(folder / "a", 4);
  EXPECT_THAT([&] { file.bytes(0, 5); }, ThrowsMessage<Error>(HasSubstr("is cut short")));
}

TEST(MappedFileTest, WhatIsNoReadableFileIsASentence) {
  const TemporaryFolder folder;
  EXPECT_THAT([&] { MappedFile(folder / "none"); }, ThrowsMessage<Error>(HasSubstr("none: No such file")));
  EXPECT_THAT([&] { MappedFile(folder.path()); }, ThrowsMessage<Error>(HasSubstr("is no regular file")));
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THAT([&] { MappedFile(folder / "pipe"); }, ThrowsMessage<Error>(HasSubstr("pipe: is no regular file")));
  write_file(folder / "empty", "");
  EXPECT_EQ(MappedFile(folder / "empty").size(), 0u);
}

}  // namespace
}  // namespace glint::test
