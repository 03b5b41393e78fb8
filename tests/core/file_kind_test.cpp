#include "glint/core/file_kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::Optional;
using testing::ThrowsMessage;
using namespace std::string_literals;

TEST(FileKindTest, TheFirstBytesSayWhatAFileIs) {
  const std::pair<std::string, std::string> cases[] = {
      {"version https://git-lfs.github.com/spec/v1\noid",
       "is a Git LFS pointer, not the file that it stands for; git lfs"},
      {"/annex/objects/SHA256E-s3--a.mp4\n", "is a git-annex pointer"},
      {"\n <!DOCTYPE HTML>\n<title>404</title>", "is an HTML page"},
      {"<html lang=en>", "is an HTML page"},
      {"<?xml version='1.0'?><Error><Code>AccessDenied", "is XML"},
      {"PK\x03\x04xx", "is a zip archive"},
      {"\x1F\x8B\x08", "is gzip data; unpack it with gunzip"},
      {std::string(257, '\0') + "ustar", "is a tar archive"},
      {"%PDF-1.7", "is a PDF document"},
      {"\x93NUMPY\x01", "is a NumPy array"},
      {"\x80\x04\x95", "is a Python pickle"},
      {"\0\0\0\x20"
       "ftypisom"s,
       "is an MP4 or MOV video"},
      {"\xFF\xFE"
       "h\0"s,
       "is UTF-16 text"},
      {std::string(64, '\0'), "begins with zero bytes alone"},
      {"", "is empty"},
      {"{\"error\": \"not found\"}", "is JSON text"},
      {"Invalid credentials in Authorization header", "is text that begins 'Invalid credentials in Authorization hea"},
  };
  for (const auto& [bytes, sentence] : cases) {
    EXPECT_THAT(kind_of_bytes(bytes), Optional(HasSubstr(sentence))) << bytes;
  }
}

TEST(FileKindTest, BytesThatShowNothingAreNotGuessedAt) {
  EXPECT_FALSE(kind_of_bytes("\x0A\x0E\x01\x02"));
  EXPECT_FALSE(kind_that_is_no_text("a caption\n"));
  EXPECT_FALSE(kind_of_file("not_there"));
}

TEST(FileKindTest, ATextThatIsCutInACharacterIsStillText) {
  std::string text(511, 'a');
  EXPECT_THAT(kind_of_bytes(text + "\xC3\xA9 more"), Optional(HasSubstr("is text that begins")));
}

TEST(FileKindTest, AReaderThatRefusesSaysWhatTheFileIs) {
  const TemporaryFolder folder;
  write_file(folder / "a.pt", "%PDF-1.4");
  EXPECT_THAT([&] { refuse_file(folder / "a.pt", "is damaged"); },
              ThrowsMessage<BadFile>(HasSubstr("is a PDF document")));
  write_file(folder / "a.pt", "\x01\x02\x03");
  EXPECT_THAT([&] { refuse_file(folder / "a.pt", "is damaged"); },
              ThrowsMessage<BadFile>(HasSubstr("a.pt: is damaged")));
  EXPECT_FALSE(
      kind_that_is_no_video("\0\0\0\x20"
                            "ftypisom"s));
}

}  // namespace
}  // namespace glint::test
