#include "glint/core/stop_signal.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace glint::test {
namespace {

using testing::ExitedWithCode;

// Each runs in a process of its own, since what asked to stop is never forgotten.

void send_and_wait(int signal) {
  kill(getpid(), signal);
  while (stop_requested() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

TEST(StopSignalDeathTest, AFirstSignalOnlyAsks) {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGHUP}) {
    const auto ask = [signal] {
      catch_stop_signals();
      if (stop_requested() != 0) _exit(100);
      send_and_wait(signal);
      _exit(stop_requested());
    };
    EXPECT_EXIT(ask(), ExitedWithCode(signal), "");
  }
}

TEST(StopSignalDeathTest, ASecondSignalEndsTheProcessAtOnce) {
  const auto ask_twice = [] {
    catch_stop_signals();
    send_and_wait(SIGINT);
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    kill(getpid(), SIGTERM);
    std::this_thread::sleep_for(std::chrono::seconds(60));  // far less is needed
    _exit(100);
  };
  EXPECT_EXIT(ask_twice(), ExitedWithCode(128 + SIGTERM), "");
}

TEST(StopSignalDeathTest, AHangUpThatIsIgnoredAtTheStartStaysIgnored) {
  const auto as_nohup = [] {
    signal(SIGHUP, SIG_IGN);
    catch_stop_signals();
    kill(getpid(), SIGHUP);
    send_and_wait(SIGTERM);
    _exit(stop_requested());
  };
  EXPECT_EXIT(as_nohup(), ExitedWithCode(SIGTERM), "");
}

TEST(StopSignalTest, OneRequestThatComesAsSeveralSignalsIsOne) {
  using std::chrono::milliseconds;
  const StopRequests::Time begin{};
  StopRequests terminal;  // the kernel sends it, and the shell once more
  EXPECT_FALSE(terminal.ends_at_once(SIGHUP, begin));
  EXPECT_FALSE(terminal.ends_at_once(SIGHUP, begin + milliseconds(1000)));
  EXPECT_FALSE(terminal.ends_at_once(SIGTERM, begin + milliseconds(2000)));
  EXPECT_TRUE(terminal.ends_at_once(SIGTERM, begin + milliseconds(3000)));
  StopRequests batch_system;
  EXPECT_FALSE(batch_system.ends_at_once(SIGUSR1, begin));
  EXPECT_FALSE(batch_system.ends_at_once(SIGTERM, begin + milliseconds(60'000)));
  StopRequests passed_on;  // by who started the ranks, which have got it too
  EXPECT_FALSE(passed_on.ends_at_once(SIGINT, begin));
  EXPECT_FALSE(passed_on.ends_at_once(SIGTERM, begin + milliseconds(20)));
  EXPECT_TRUE(passed_on.ends_at_once(SIGINT, begin + milliseconds(900)));
}

TEST(StopSignalDeathTest, OtherThreadsAreAskedToo) {
  const auto ask = [] {
    catch_stop_signals();
    std::thread worker([] { send_and_wait(SIGTERM); });
    worker.join();
    _exit(stop_requested());
  };
  EXPECT_EXIT(ask(), ExitedWithCode(SIGTERM), "");
}

TEST(StopSignalTest, StoppedCarriesItsSignal) {
  EXPECT_EQ(Stopped(SIGINT).signal(), SIGINT);
  EXPECT_EQ(stop_requested(), 0);
}

}  // namespace
}  // namespace glint::test
