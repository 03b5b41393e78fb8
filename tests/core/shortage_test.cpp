#include "glint/core/shortage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <system_error>

#include "glint/core/error.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string sentence(const std::exception& error) {
  return shortage(error).value_or("none");
}

TEST(ShortageTest, MemoryThatIsUsedUpNamesWhatToLower) {
  EXPECT_THAT(sentence(std::bad_alloc()), HasSubstr("the memory is used up; lower train.batch_size"));
  const std::runtime_error of_libtorch(
      "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
      "1610612736 bytes. Error code 12 (Cannot allocate memory)\nframe #0: here\nframe #1: there");
  EXPECT_THAT(sentence(of_libtorch), HasSubstr("the memory is used up: 1536 MiB more were needed; lower "));
  EXPECT_THAT(sentence(of_libtorch), Not(HasSubstr("\n")));
  const std::runtime_error newer(
      "[enforce fail at alloc_cpu.cpp:117] data. DefaultCPUAllocator: not enough memory: you tried to allocate 4096 "
      "bytes.");
  EXPECT_THAT(sentence(newer), HasSubstr("the memory is used up: 1 MiB more were needed; lower "));
  EXPECT_THAT(sentence(std::runtime_error("could not execute a primitive")), HasSubstr("likely used up; lower "));
  const std::runtime_error of_gpu("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of ...");
  EXPECT_THAT(sentence(of_gpu), HasSubstr("the GPU's memory is used up: 2.00 GiB more were needed; lower "));
}

TEST(ShortageTest, ThreadsThatCannotBeStartedAreAShortageToo) {
  const std::system_error no_thread(std::make_error_code(std::errc::resource_unavailable_try_again));
  EXPECT_THAT(sentence(no_thread), HasSubstr("lower data.workers"));
  EXPECT_EQ(sentence(std::system_error(std::make_error_code(std::errc::invalid_argument))), "none");
}

TEST(ShortageTest, OtherExceptionsAreNone) {
  EXPECT_EQ(sentence(std::runtime_error("shape mismatch")), "none");
  EXPECT_EQ(sentence(Bug("not enough")), "none");
}

}  // namespace
}  // namespace glint::test
