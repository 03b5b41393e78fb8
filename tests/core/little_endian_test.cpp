#include "glint/core/little_endian.h"

#include <gtest/gtest.h>

namespace glint::test {
namespace {

TEST(LittleEndianTest, TheLowestByteComesFirst) {
  EXPECT_EQ(little_endian(0x01020304, 4), "\x04\x03\x02\x01");
  EXPECT_EQ(little_endian(0x0102, 1), "\x02");
  EXPECT_EQ(from_little_endian("\x04\x03\x02\x81"), 0x81020304);
  EXPECT_EQ(from_little_endian(""), 0);
}

TEST(LittleEndianTest, EightBytesComeBack) {
  EXPECT_EQ(from_little_endian(little_endian(0xFEDCBA9876543210, 8)), 0xFEDCBA9876543210);
}

}  // namespace
}  // namespace glint::test
