#include "glint/core/standard_streams.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <iostream>

#include "glint/core/error.h"
#include "glint/core/stop_signal.h"

namespace glint::test {
namespace {

using testing::ExitedWithCode;

// Each runs in a process of its own, whose descriptors it may change.

[[noreturn]] void fail(const char* what) {
  ssize_t ignored = write(STDERR_FILENO, what, std::strlen(what));
  _exit(ignored >= 0 ? 100 : 101);
}

TEST(StandardStreamsDeathTest, ClosedDescriptorsAreOpenedOnDevNull) {
  const auto open_all = [] {
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) close(descriptor);
    set_up_standard_streams();
    struct stat null {
    }, facts{};
    stat("/dev/null", &null);
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      if (fstat(descriptor, &facts) != 0 || facts.st_rdev != null.st_rdev) _exit(100);
    }
    _exit(open("/dev/null", O_RDONLY) > STDERR_FILENO ? 0 : 101);
  };
  EXPECT_EXIT(open_all(), ExitedWithCode(0), "");
}

TEST(StandardStreamsDeathTest, WhatAFullDiskDoesNotTakeIsASentence) {
  const auto write_much = [](std::size_t bytes) {
    dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO);
    set_up_standard_streams();
    std::cout << std::string(bytes, 'x');
    try {
      flush_output();
    } catch (const Error& error) {
      fail(error.what());
    }
    _exit(0);
  };
  for (const std::size_t bytes : {1, 1'000'000}) {
    EXPECT_EXIT(write_much(bytes), ExitedWithCode(100),
                "stdout: the output cannot be written: No space left on device");
  }
}

TEST(StandardStreamsDeathTest, AReaderThatHasSeenEnoughEndsItQuietly) {
  const auto write_to_nobody = [] {
    int ends[2];
    if (pipe(ends) != 0) _exit(99);
    close(ends[0]);
    dup2(ends[1], STDOUT_FILENO);
    set_up_standard_streams();
    for (int i = 0; i < 100'000; ++i) std::cout << "a line\n";
    try {
      flush_output();
    } catch (const Stopped& stopped) {
      _exit(stopped.signal());
    }
    _exit(0);
  };
  EXPECT_EXIT(write_to_nobody(), ExitedWithCode(SIGPIPE), "");
}

TEST(StandardStreamsDeathTest, AllThatIsPrintedArrives) {
  const auto print = [] {
    dup2(STDERR_FILENO, STDOUT_FILENO);
    set_up_standard_streams();
    std::cout << 1 << ' ' << std::string(200'000, 'x') << 'y' << std::flush << "z\n";
    flush_output();
    _exit(0);
  };
  EXPECT_EXIT(print(), ExitedWithCode(0), "1 xxx.*xyz");
}

}  // namespace
}  // namespace glint::test
