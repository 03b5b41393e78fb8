#include "glint/core/gzip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "glint/core/error.h"

namespace glint {
namespace {

using namespace std::string_view_literals;

// "glint" as gzip -n packs it.
constexpr auto kPacked =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x4b\xcf\xc9\xcc\x2b\x01\x00\x58\x17\xd0\x77\x05\x00\x00\x00"sv;

TEST(GzipTest, PackedTextComesBack) {
  EXPECT_EQ(gunzip(kPacked, "a.gz"), "glint");
}

TEST(GzipTest, AllMembersAreUnpacked) {
  const std::string two = std::string(kPacked) + std::string(kPacked);
  EXPECT_EQ(gunzip(two, "a.gz"), "glintglint");
  EXPECT_THROW(gunzip(two, "a.gz", 9), Error);
  for (std::size_t size = kPacked.size() + 1; size < two.size(); ++size) {
    EXPECT_THROW(gunzip(two.substr(0, size), "a.gz"), Error) << size;
  }
}

TEST(GzipTest, ZerosAfterTheDataArePassedOverAndAnythingElseIsRefused) {
  EXPECT_EQ(gunzip(std::string(kPacked) + std::string(100, '\0'), "a.gz"), "glint");
  EXPECT_EQ(gunzip(std::string(kPacked) + std::string(3, '\0') + std::string(kPacked), "a.gz"), "glintglint");
  EXPECT_THAT([] { gunzip(std::string(kPacked) + "rubbish", "a.gz"); },
              testing::ThrowsMessage<BadFile>("a.gz: is damaged: 7 bytes that are no gzip data follow its gzip data"));
}

TEST(GzipTest, DamagedShortOrTooLargeDataAreRefused) {
  for (std::size_t size = 0; size < kPacked.size(); ++size) {
    EXPECT_THROW(gunzip(kPacked.substr(0, size), "a.gz"), Error) << size;
  }
  std::string damaged(kPacked);
  damaged[18] ^= 1;  // of the checksum
  EXPECT_THROW(gunzip(damaged, "a.gz"), Error);
  EXPECT_THROW(gunzip("plain text", "a.gz"), Error);
  EXPECT_THROW(gunzip(kPacked, "a.gz", 4), Error);
}

}  // namespace
}  // namespace glint
