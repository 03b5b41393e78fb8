#include "glint/media/codecs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace glint {
namespace {

TEST(CodecsTest, VersionsAndDecodersHaveNames) {
  EXPECT_THAT(libav_versions(), testing::Contains(testing::StartsWith("libavcodec ")));
  EXPECT_EQ(decoder_of("mpeg4"), "mpeg4");
  EXPECT_EQ(decoder_of("no such codec"), "");
}

}  // namespace
}  // namespace glint
