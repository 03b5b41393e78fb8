#include "glint/core/thread_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <latch>
#include <memory>

#include "glint/core/error.h"

namespace glint::test {
namespace {

using testing::ElementsAre;
using testing::ThrowsMessage;

TEST(ThreadPoolTest, ResultsAndExceptionsReachTheirFutures) {
  ThreadPool pool(2);
  auto number = pool.submit([] { return 7; });
  auto failure = pool.submit([]() -> int { throw Error("clip 3: cut short"); });
  auto moved = pool.submit([] { return std::make_unique<int>(8); });
  EXPECT_EQ(number.get(), 7);
  EXPECT_THAT([&] { failure.get(); }, ThrowsMessage<Error>("clip 3: cut short"));
  EXPECT_EQ(*moved.get(), 8);  // by the pool that has seen a failure
}

TEST(ThreadPoolTest, TasksStartInTheirOrder) {
  std::vector<int> order;
  {
    ThreadPool pool(1);
    for (int i = 0; i < 4; ++i) pool.submit([&order, i] { order.push_back(i); });
  }
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3));
}

TEST(ThreadPoolTest, AsManyTasksAsThreadsRunAtOnce) {
  std::latch all(3);
  ThreadPool pool(3);
  for (int i = 0; i < 3; ++i) pool.submit([&] { all.arrive_and_wait(); });  // each waits for the other two
}

TEST(ThreadPoolTest, CancelledTasksBreakTheirPromiseAndTheRunningOneEnds) {
  std::latch started(1), released(1);
  int ran = 0;
  ThreadPool pool(1);
  auto running = pool.submit([&] {
    started.count_down();
    released.wait();
    return 1;
  });
  auto pending = pool.submit([&] { ++ran; });
  started.wait();
  pool.cancel_pending();
  released.count_down();
  EXPECT_EQ(running.get(), 1);
  try {
    pending.get();
    ADD_FAILURE() << "the dropped task has a result";
  } catch (const std::future_error& error) {
    EXPECT_EQ(error.code(), std::future_errc::broken_promise);
  }
  EXPECT_EQ(pool.submit([&] { return ran; }).get(), 0);
}

TEST(ThreadPoolTest, TheDestructorRunsWhatIsSubmitted) {
  std::future<int> last;
  {
    std::latch released(1);
    ThreadPool pool(1);
    pool.submit([&] { released.wait(); });
    last = pool.submit([] { return 5; });
    released.count_down();
  }
  ASSERT_EQ(last.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  EXPECT_EQ(last.get(), 5);
}

TEST(ThreadPoolTest, APoolWithoutThreadsIsOurMistake) {
  EXPECT_THROW(ThreadPool(0), Bug);
}

// Address space for a few stacks alone, in a process of its own: the threads that were started are joined.
TEST(ThreadPoolDeathTest, ThreadsThatCannotBeStartedAreAShortage) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer takes more of it than the limit allows";
#endif
  const auto start_too_many = [] {
    rlimit limit{std::size_t{1} << 31, std::size_t{1} << 31};
    setrlimit(RLIMIT_AS, &limit);
    try {
      ThreadPool pool(100'000);
    } catch (const NotNow& error) {
      std::fputs(error.what(), stderr);
      _exit(3);
    }
    _exit(0);
  };
  EXPECT_EXIT(start_too_many(), testing::ExitedWithCode(3), "no thread can be started: .*lower data.workers");
}

}  // namespace
}  // namespace glint::test
