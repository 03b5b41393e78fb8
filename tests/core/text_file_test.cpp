#include "glint/core/text_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;
using namespace std::string_literals;

class TextFileTest : public testing::Test {
 protected:
  std::string read(const std::string& bytes) {
    write_file(folder_ / "a.txt", bytes);
    return read_text(folder_ / "a.txt");
  }
  void expect_refused(const std::string& bytes, const std::string& sentence) {
    EXPECT_THAT([&] { read(bytes); }, ThrowsMessage<BadFile>(HasSubstr("a.txt" + sentence)));
  }
  static std::vector<std::string> lines(std::string_view text) {
    std::vector<std::string> lines;
    for_each_line(text, [&](std::string_view line, int64_t number) { lines.push_back(concat(number, ":", line)); });
    return lines;
  }
  const TemporaryFolder folder_;
};

TEST_F(TextFileTest, AByteOrderMarkIsTakenOffAndGzipUnpacked) {
  EXPECT_EQ(read("\xEF\xBB\xBF"
                 "a\n"),
            "a\n");
  EXPECT_EQ(
      read("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x4b\xcf\xc9\xcc\x2b\x01\x00\x58\x17\xd0\x77\x05\x00\x00\x00"s),
      "glint");
}

TEST_F(TextFileTest, BytesThatAreNotUtf8AreNamedWithTheirLine) {
  expect_refused("a\nb caf\xE9 c\n", ":2: is not UTF-8 text: byte 0xE9 after 'b caf'; write it as UTF-8");
  expect_refused("\xFF", ":1: is not UTF-8 text: byte 0xFF at its beginning");
}

TEST_F(TextFileTest, WhatIsNoTextIsNamed) {
  expect_refused("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", ": is a Git LFS pointer");
  expect_refused("<!DOCTYPE html><title>Sign in</title>", ": is an HTML page");
  expect_refused("PK\x03\x04 and more", ": is a zip archive");
  expect_refused(
      "\xFF\xFE"
      "a\0"s,
      ": is UTF-16 text; save it as UTF-8");
}

TEST_F(TextFileTest, AFileLargerThanTheLimitIsRefused) {
  write_file(folder_ / "a.txt", "12345");
  EXPECT_THROW(read_text(folder_ / "a.txt", 4), Error);
}

TEST_F(TextFileTest, LinesEndWithEitherOfThreeEnds) {
  EXPECT_THAT(lines("a\n\nb "), ElementsAre("1:a", "2:", "3:b "));
  EXPECT_THAT(lines("a\r\nb\r\n"), ElementsAre("1:a", "2:b"));
  EXPECT_THAT(lines("a\rb\r"), ElementsAre("1:a", "2:b"));
  EXPECT_THAT(lines(""), ElementsAre());
}

}  // namespace
}  // namespace glint::test
