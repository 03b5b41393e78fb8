#include "data/second_try.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "support/environment.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class SecondTryTest : public testing::Test {
 protected:
  SecondTryTest() { std::ofstream(file_) << "there"; }
  // Fails with each of `failures` in turn, then gives 7.
  template <class... Failures>
  int work(const Failures&... failures) {
    return with_second_try(file_, [&] {
      int number = 0;
      const auto fail = [&](const auto& failure) {
        if (number++ == tries_) {
          ++tries_;
          throw failure;
        }
      };
      (fail(failures), ...);
      ++tries_;
      return 7;
    });
  }
  TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_ / "a.mp4";
  int tries_ = 0;
};

TEST_F(SecondTryTest, WhatTheMachineCannotDoNowIsDoneASecondTime) {
  EXPECT_EQ(work(NotNow("the disk hangs")), 7);
  EXPECT_EQ(tries_, 2);
  tries_ = 0;
  EXPECT_EQ(work(std::bad_alloc()), 7);
}

TEST_F(SecondTryTest, ASecondFailureHasTheMachinesOwnReason) {
  EXPECT_THAT([&] { work(NotNow("the disk hangs"), NotNow("the disk is dead"), NotNow("never asked")); },
              ThrowsMessage<NotNow>("the disk is dead (tried twice)"));
  EXPECT_EQ(tries_, 2);
}

TEST_F(SecondTryTest, AVerdictAndAMistakeAreFinal) {
  EXPECT_THAT([&] { work(BadFile("a.mp4: is empty")); }, ThrowsMessage<BadFile>("a.mp4: is empty"));
  EXPECT_EQ(tries_, 1);
  tries_ = 0;
  EXPECT_THAT([&] { work(Error("a.mp4: Permission denied")); }, ThrowsMessage<Error>("a.mp4: Permission denied"));
  EXPECT_EQ(tries_, 1);
}

TEST_F(SecondTryTest, AFileThatIsGoneIsNeverBad) {
  std::filesystem::remove(file_);
  try {
    work(BadFile("a.mp4: no such file"), BadFile("a.mp4: no such file"));
    ADD_FAILURE();
  } catch (const BadFile& verdict) {
    ADD_FAILURE() << verdict.what();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("a.mp4: was there when the work began and is not there now; bring it back"));
  }
  EXPECT_EQ(tries_, 2);
}

}  // namespace
}  // namespace glint::test
