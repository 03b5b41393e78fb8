#include "glint/text/name_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "glint/core/error.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::Optional;
using testing::ThrowsMessage;

const std::string kComposed = "caf\xC3\xA9";     // U+00E9
const std::string kDecomposed = "cafe\xCC\x81";  // e, U+0301

TEST(NormalFormTest, AnAccentJoinsItsLetter) {
  EXPECT_EQ(normal_form(kDecomposed), kComposed);
  EXPECT_EQ(normal_form(kComposed), kComposed);
  EXPECT_EQ(normal_form("plain"), "plain");
  EXPECT_EQ(normal_form("\xEA\xB0\x80"), normal_form("\xE1\x84\x80\xE1\x85\xA1"));  // Hangul
  EXPECT_EQ(normal_form("caf\xE9"), "caf\xE9");
}

TEST(NameIndexTest, ANameIsFoundInTheOtherUnicodeForm) {
  EXPECT_THAT(NameIndex({"a", kComposed}).find(kDecomposed), Optional(1u));
  EXPECT_THAT(NameIndex({"a", kDecomposed}).find(kComposed), Optional(1u));
  EXPECT_FALSE(NameIndex({"cafe", "a"}).find(kComposed));
}

TEST(NameIndexTest, TheNameThatIsWrittenAlikeWins) {
  const NameIndex index({kDecomposed, kComposed});
  EXPECT_THAT(index.find(kComposed), Optional(1u));
  EXPECT_THAT(index.find(kDecomposed), Optional(0u));
}

TEST(NameIndexTest, TwoNamesThatDifferInTheirFormAloneAreNoAnswer) {
  const std::string one =
                        "\xC3\xA9"
                        "e\xCC\x81",
                    other = "e\xCC\x81\xC3\xA9";
  EXPECT_THAT(
      [&] {
        NameIndex({one, other}).find("\xC3\xA9\xC3\xA9");
      },
      ThrowsMessage<Error>(HasSubstr("differ in their Unicode form alone; rename one of them")));
}

TEST(NameIndexTest, TheFirstOfTwoEqualNamesCounts) {
  NameIndex index;
  EXPECT_TRUE(index.add("a"));
  EXPECT_FALSE(index.add("a"));
  EXPECT_EQ(index.size(), 1u);
}

}  // namespace
}  // namespace glint::test
