#include "glint/core/gzip.h"

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
