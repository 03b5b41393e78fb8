#include "glint/dist/communicator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <torch/torch.h>
#include <unistd.h>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <chrono>
#include <thread>

#include "dist/group.h"
#include "dist/ranks.h"
#include "glint/core/activity.h"
#include "glint/core/error.h"
#include "glint/core/stop_signal.h"

namespace glint::test {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::StartsWith;

template <class Work>
std::string error_of(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

void expect_all_calls(std::shared_ptr<Communicator> communicator) {
  const auto rank = communicator->rank(), ranks = communicator->ranks();
  const auto all = torch::arange(ranks * 6).view({ranks * 2, 3});
  EXPECT_TRUE(torch::equal(communicator->all_gather(all.narrow(0, rank * 2, 2).t().contiguous().t()), all));
  EXPECT_EQ(communicator->all_gather(torch::zeros({0, 4})).sizes(), (std::vector<std::int64_t>{0, 4}));

  auto sums = torch::full({2, 3}, rank + 1.0).t();  // [3, 2], not contiguous
  communicator->all_reduce(sums);
  EXPECT_TRUE(torch::equal(sums, torch::full({3, 2}, ranks * (ranks + 1) / 2.0)));

  auto sent = torch::full({3}, rank);
  communicator->broadcast(sent, 1);
  EXPECT_TRUE(torch::equal(sent, torch::ones({3}, torch::kLong)));

  const auto texts = communicator->all_gather(std::string(static_cast<std::size_t>(rank) * 3, 'x') + '\0');
  ASSERT_EQ(texts.size(), static_cast<std::size_t>(ranks));
  for (std::int64_t other = 0; other < ranks; ++other) {
    EXPECT_EQ(texts[other], std::string(static_cast<std::size_t>(other) * 3, 'x') + '\0');
  }
  EXPECT_EQ(communicator->all_gather(std::string())[1], "");
  communicator->barrier();
}

TEST(CommunicatorTest, EveryCallGivesAllRanksTheSame) {
  EXPECT_EQ(run_communicators(2, expect_all_calls), well(2));
  EXPECT_EQ(run_communicators(3, expect_all_calls), well(3));
}

TEST(CommunicatorTest, OneRankIsTheIdentity) {
  const auto communicator = Communicator::alone();
  auto values = torch::ones({2});
  communicator->all_reduce(values);
  communicator->broadcast(values);
  communicator->barrier();
  EXPECT_TRUE(communicator->all_gather(values).is_same(values));
  EXPECT_EQ(communicator->all_gather(std::string("a")), std::vector<std::string>{"a"});
}

TEST(CommunicatorTest, ARankThatDiesIsASentenceForTheOthers) {
  const auto body = [](std::shared_ptr<Communicator> communicator) {
    set_activity("step 7");
    std::this_thread::sleep_for(std::chrono::milliseconds(1200));  // its watchdog says so within a second
    auto values = torch::ones({1000});
    communicator->all_reduce(values);
    if (communicator->rank() == 2) kill(getpid(), SIGKILL);
    const auto message = error_of([&] {
      for (int i = 0; i < 3; ++i) communicator->all_reduce(values);
    });
    EXPECT_THAT(message, StartsWith("rank 2 is gone; it did last: step 7, on "));
    EXPECT_THAT(message, HasSubstr(concat("; rank ", communicator->rank(), " lost the connection while summing (")));
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_EQ(message.find(".cc"), std::string::npos) << message;
  };
  EXPECT_EQ(run_communicators(3, body), (RankEnds{0, 0, 128 + SIGKILL}));
}

TEST(CommunicatorTest, TheRankThatDiedIsNamedToTheLastWhoNoticesAndNotThoseThatEndedBecauseOfIt) {
  const auto body = [](std::shared_ptr<Communicator> communicator) {
    auto values = torch::ones({1000});
    communicator->all_reduce(values);
    if (communicator->rank() == 2) kill(getpid(), SIGKILL);
    if (communicator->rank() == 0) std::this_thread::sleep_for(std::chrono::seconds(5));  // rank 1 has gone by then
    const auto message = error_of([&] {
      for (int i = 0; i < 3; ++i) communicator->all_reduce(values);
    });
    EXPECT_THAT(message, StartsWith("rank 2 is gone"));
    EXPECT_THAT(message, Not(HasSubstr("rank 1 has ended")));
  };
  EXPECT_EQ(run_communicators(3, body), (RankEnds{0, 0, 128 + SIGKILL}));
}

TEST(CommunicatorTest, ARankThatASignalStopsElsewhereKeepsNobodyWaiting) {
  const auto body = [](const RankInfo& info) {
    catch_stop_signals();
    try {
      const auto communicator = make_communicator(info, 50);
      auto values = torch::ones({3});
      communicator->all_reduce(values);
      kill(getpid(), SIGTERM);
      while (stop_requested() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      if (info.rank == 0) throw Stopped(stop_requested());
      EXPECT_THAT(error_of([&] { communicator->all_reduce(values); }), StartsWith("a signal asked to stop"));
    } catch (const Stopped&) {
      EXPECT_EQ(info.rank, 0);
    }
  };
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(run_ranks(3, body), well(3));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));  // nobody waited for the timeout
}

TEST(CommunicatorTest, RanksThatDoNotComeAreNamed) {
  const auto body = [](RankInfo info) {
    if (info.rank == 1 || info.rank == 3) return;
    const auto message = error_of([&] { make_communicator(info, 0.5); });
    EXPECT_THAT(message, HasSubstr("dist.timeout_s"));
    if (info.rank != 0) return;  // it may be gone before they have asked it who is missing
    EXPECT_THAT(message, StartsWith("ranks 1, 3 of 4 did not come to 127.0.0.1:"));
  };
  EXPECT_EQ(run_ranks(4, body), well(4));
}

TEST(CommunicatorTest, ANobodyAtTheMeetingPointIsNamed) {
  RankInfo info{1, 2, 1, "127.0.0.1", 1};
  EXPECT_THAT(error_of([&] { make_communicator(info, 0.3); }),
              AllOf(StartsWith("rank 1, on "), HasSubstr(", did not reach rank 0 at 127.0.0.1:1 within 0.3 s"),
                    HasSubstr("(Connection refused)")));
}

TEST(CommunicatorTest, ANetworkThatIsNotThereIsASentence) {
  const auto body = [](RankInfo info) {
    setenv("GLOO_SOCKET_IFNAME", "nonet0", 1);
    const auto message = error_of([&] { make_communicator(info, 5); });
    EXPECT_THAT(message, StartsWith(concat("rank ", info.rank, ", on ")));
    // Rank 0 may be gone with its store before rank 1 has read who is there.
    const auto lost = HasSubstr(", lost rank 0 at ");
    const auto unusable = HasSubstr(", cannot use the network nonet0 (");
    if (info.rank == 0) {
      EXPECT_THAT(message, unusable);
    } else {
      EXPECT_THAT(message, AnyOf(unusable, lost));
    }
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  };
  EXPECT_EQ(run_ranks(2, body), well(2));
}

TEST(CommunicatorTest, ARankThatFailsWhileTheOthersConnectKeepsNobodyWaiting) {
  const auto body = [](RankInfo info) {
    if (info.rank == 1) setenv("GLOO_SOCKET_IFNAME", "nonet0", 1);
    make_communicator(info, 50);
  };
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(run_ranks(2, body), (RankEnds{1, 1}));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
}

TEST(CommunicatorTest, RanksMeetAnewAtAStoreThatKeepsTheWordsOfTheDead) {
  const auto body = [](RankInfo info) {
    if (info.rank == 0) {  // as torchrun's agent
      c10d::TCPStoreOptions options;
      options.isServer = true;
      options.waitWorkers = false;
      options.port = static_cast<std::uint16_t>(info.port);
      options.masterListenFd = *info.listening_socket;
      c10d::TCPStore(info.host, options).wait({"done/0", "done/1"}, std::chrono::seconds(50));
      return;
    }
    info = {info.rank - 1, 2, info.rank - 1, info.host, info.port, /*agent_keeps_store=*/true};
    if (info.rank == 1) {  // it comes to nobody, as to ranks that were ended meanwhile
      EXPECT_THAT(error_of([&] { make_communicator(info, 0.3); }),
                  StartsWith("rank 0 of 2 did not come to 127.0.0.1:"));
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    }
    for (int restart = 0; restart < 3; ++restart) {
      auto values = torch::full({2}, info.rank + 1.0);
      make_communicator(info, 50)->all_reduce(values);
      EXPECT_TRUE(torch::equal(values, torch::full({2}, 3.0)));
    }
    c10d::TCPStoreOptions options;
    options.port = static_cast<std::uint16_t>(info.port);
    options.waitWorkers = false;
    c10d::TCPStore(info.host, options).set(concat("done/", info.rank), std::vector<std::uint8_t>{1});
  };
  EXPECT_EQ(run_ranks(3, body), well(3));
}

TEST(CommunicatorTest, OtherNumbersOfRanksAreRefused) {
  const auto body = [](RankInfo info) {
    if (info.rank == 1) info.ranks = 3;
    const auto message = error_of([&] { make_communicator(info, 1); });
    if (info.rank == 1) return;
    EXPECT_THAT(message, StartsWith("rank 1 was started as one of 3, rank 0 as one of 2"));
  };
  EXPECT_EQ(run_ranks(2, body), well(2));
}

TEST(PlainCauseTest, LeavesSourceLinesAndStacksOut) {
  EXPECT_EQ(dist::plain_cause("[/a/pair.cc:5] Connection closed by peer [127.0.0.1]:42"),
            "Connection closed by peer [127.0.0.1]:42");
  EXPECT_EQ(dist::plain_cause("[c10d] it failed. Exception raised from f at a.cpp:3\nframe #0"), "it failed");
  EXPECT_EQ(dist::plain_cause("it failed.\nmore"), "it failed");
  EXPECT_EQ(dist::plain_cause(""), "");
}

}  // namespace
}  // namespace glint::test
