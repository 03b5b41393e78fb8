#include "glint/core/file_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "support/environment.h"

namespace glint::test {
namespace {

TEST(FileLockTest, OneHoldsItAtATime) {
  const TemporaryFolder folder;
  const auto path = folder / "made/a.lock";
  std::optional<FileLock> first(std::in_place, path);
  FileLock second(path);
  FileLock other(folder / "b.lock");
  EXPECT_TRUE(first->try_lock());
  EXPECT_FALSE(second.try_lock());
  EXPECT_TRUE(first->try_lock());  // it has it already
  EXPECT_TRUE(other.try_lock());
  first.reset();
  EXPECT_TRUE(second.try_lock());
}

TEST(FileLockTest, APlaceThatCannotHoldItIsNamed) {
  const TemporaryFolder folder;
  write_file(folder / "a.txt", "text");
  const auto named = [](const char* words) { return testing::ThrowsMessage<Error>(testing::HasSubstr(words)); };
  EXPECT_THAT([&] { FileLock(folder / "a.txt/a.lock"); }, named("a.txt: the folder cannot be made"));
  EXPECT_THAT([&] { FileLock(folder.path()); }, named("Is a directory"));
}

}  // namespace
}  // namespace glint::test
