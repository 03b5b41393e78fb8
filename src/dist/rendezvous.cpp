#include "dist/rendezvous.h"

#include <unistd.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "dist/group.h"
#include "dist/network.h"
#include "glint/core/error.h"
#include "glint/core/log.h"
#include "glint/core/machine_name.h"
#include "glint/core/running_time.h"

namespace glint::dist {

namespace {

using Clock = std::chrono::steady_clock;
using Store = c10::intrusive_ptr<c10d::Store>;

constexpr double kSayAfterSeconds = 10;  // what is waited for
constexpr double kTalkSeconds = 2;       // with a store that answers
constexpr std::chrono::milliseconds kPoll(20), kTryAgain(100);

class Deadline {
 public:
  explicit Deadline(double seconds)
      : end_(running_now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds))) {}
  double seconds_left() const {
    return std::max(1e-3, std::chrono::duration<double>(end_ - running_now()).count());  // 0 would be forever
  }
  bool is_over() const { return running_now() >= end_; }

 private:
  Clock::time_point end_;
};

std::string place(const RankInfo& info) {
  return concat(info.host, ":", info.port);
}

std::string keeper(const RankInfo& info) {
  return info.agent_keeps_store ? "torchrun's rendezvous" : "rank 0";
}

Store open_store(const RankInfo& info, bool is_server, double timeout_s) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(info.port);
  options.isServer = is_server;
  options.waitWorkers = false;  // rendezvous() waits, and can say for whom
  options.timeout = as_milliseconds(timeout_s);
  if (is_server && info.listening_socket) options.masterListenFd = *info.listening_socket;
  return c10::make_intrusive<c10d::TCPStore>(info.host, options);
}

Store keep_store(const RankInfo& info, double timeout_s) try {
  return open_store(info, /*is_server=*/true, timeout_s);
} catch (const c10::DistError& error) {
  throw Error("rank 0 cannot listen at ", place(info), " (", plain_cause(error.what_without_backtrace()),
              "): is another training using this port? Set another MASTER_PORT");
}

// Whoever keeps it may come later. c10d's own client would try up to twice as long as it is told.
Store reach_store(const RankInfo& info, double timeout_s) {
  const Deadline deadline(timeout_s), say(kSayAfterSeconds);
  for (bool has_said = false;; std::this_thread::sleep_for(kTryAgain)) {
    auto cause = obstacle_towards(info.host, info.port);
    if (cause.empty()) {
      try {
        return open_store(info, /*is_server=*/false, std::max(kTalkSeconds, deadline.seconds_left()));
      } catch (const c10::DistError& error) {
        cause = plain_cause(error.what_without_backtrace());
      }
    }
    if (deadline.is_over()) {
      throw Error("rank ", info.rank, ", on ", machine_name(), ", did not reach ", keeper(info), " at ", place(info),
                  " within ", timeout_s, " s (dist.timeout_s): was it started, and is the address right? (", cause,
                  ")");
    }
    if (has_said || !say.is_over()) continue;
    log_info("rank ", info.rank, " waits for ", keeper(info), " at ", place(info), " (", cause, ")");
    has_said = true;
  }
}

// Note [rendezvous]: torchrun's agent keeps one store for all its restarts, and what earlier ranks wrote is still
// there. The number of its restarts tells them not apart: on several machines each agent counts only those for which
// its own rank was to blame. So every process comes with a word that was never said before, and rank 0 of the living
// answers each word with the name of its meeting. Words of the dead are answered too; nobody reads it.
constexpr const char* kArrivals = "arrivals";

std::string answer_key(const std::string& word) {
  return "answer/" + word;
}

std::string new_word(std::int64_t rank) {
  std::random_device random;
  return concat(rank, "_", machine_name(), "_", getpid(), "_", random(), random());
}

// Rank 0's: lets those who come into its meeting.
class Usher {
 public:
  explicit Usher(Store store) : store_(std::move(store)), meeting_(concat("meeting_", store_->add("meetings", 1))) {
    store_->append(kArrivals, {});  // so that reading it waits for nobody
  }
  void answer_arrivals() {
    std::istringstream words(store_->get_to_str(kArrivals));
    for (std::string word; std::getline(words, word);) {
      if (answered_.insert(word).second) store_->set(answer_key(word), meeting_);
    }
  }
  const std::string& meeting() const { return meeting_; }

 private:
  Store store_;
  std::string meeting_;
  std::set<std::string> answered_;
};

std::string ask_for_meeting(c10d::Store& store, const RankInfo& info, double timeout_s) {
  const auto word = new_word(info.rank);
  const auto line = word + "\n";
  store.append(kArrivals, {line.begin(), line.end()});
  try {
    store.wait({answer_key(word)}, as_milliseconds(timeout_s));
  } catch (const c10::DistError& error) {
    throw Error("rank 0 of ", info.ranks, " did not come to ", place(info), " within ", timeout_s,
                " s (dist.timeout_s): was it started, and does it reach that address? (",
                plain_cause(error.what_without_backtrace()), ")");
  }
  return store.get_to_str(answer_key(word));
}

std::string joined_key(std::int64_t rank) {
  return concat("joined/", rank);
}

// "ranks 1, 2, 3 and 4", of many the first ones.
std::string list_of_ranks(const std::vector<std::int64_t>& ranks) {
  constexpr std::size_t kShown = 8;
  std::string text = ranks.size() == 1 ? "rank " : "ranks ";
  for (std::size_t i = 0; i < ranks.size() && i < kShown; ++i) text += concat(i == 0 ? "" : ", ", ranks[i]);
  if (ranks.size() > kShown) text += concat(" and ", ranks.size() - kShown, " more");
  return text;
}

std::string missing_ranks(c10d::Store& store, const RankInfo& info) {
  std::vector<std::int64_t> missing;
  try {
    for (std::int64_t rank = 0; rank < info.ranks; ++rank) {
      if (!store.check({joined_key(rank)})) missing.push_back(rank);
    }
  } catch (const c10::DistError&) {  // rank 0, which keeps the list, has said it and is gone
    return "some ranks (rank 0 says which)";
  }
  return list_of_ranks(missing);
}

// Says that this rank is here, as one of how many, and by which address it comes.
void join(c10d::Store& store, const RankInfo& info, const std::string& address) {
  if (store.add(concat("claimed/", info.rank), 1) > 1) {
    throw Error("two processes say that they are rank ", info.rank, " of ", info.ranks, " at ", place(info),
                ": is another training using this port? Set another MASTER_PORT");
  }
  store.set(Watchdog::key(info.rank), "");  // no watchdog waits for another's first word
  store.set(joined_key(info.rank), concat(info.ranks, " ", address));
}

[[noreturn]] void throw_missing(c10d::Store& store, const RankInfo& info, double timeout_s) {
  throw Error(missing_ranks(store, info), " of ", info.ranks, " did not come to ", place(info), " within ", timeout_s,
              " s (dist.timeout_s): were they started, and do they reach that address?");
}

std::vector<std::string> all_joined_keys(const RankInfo& info) {
  std::vector<std::string> keys;
  for (std::int64_t rank = 0; rank < info.ranks; ++rank) keys.push_back(joined_key(rank));
  return keys;
}

// Rank 0 looks again and again, since it has arrivals to answer.
void receive_all(c10d::Store& store, const RankInfo& info, double timeout_s, std::optional<Usher>& usher) {
  const auto keys = all_joined_keys(info);
  const Deadline deadline(timeout_s), say(kSayAfterSeconds);
  for (bool has_said = false; !deadline.is_over(); std::this_thread::sleep_for(kPoll)) {
    if (usher) usher->answer_arrivals();
    if (store.check(keys)) return;
    if (has_said || !say.is_over()) continue;
    log_info("rank 0 waits at ", place(info), " for ", missing_ranks(store, info), " of ", info.ranks);
    has_said = true;
  }
  throw_missing(store, info, timeout_s);
}

void wait_for_all(c10d::Store& store, const RankInfo& info, double timeout_s, std::optional<Usher>& usher) try {
  if (info.rank == 0) return receive_all(store, info, timeout_s, usher);
  store.wait(all_joined_keys(info), as_milliseconds(timeout_s));
} catch (const c10::DistError&) {
  throw_missing(store, info, timeout_s);
}

struct Arrival {
  std::string ranks, address;
};

std::vector<Arrival> arrivals(c10d::Store& store, const RankInfo& info) {
  std::vector<Arrival> all;
  for (std::int64_t rank = 0; rank < info.ranks; ++rank) {
    std::istringstream in(store.get_to_str(joined_key(rank)));
    Arrival arrival;
    in >> arrival.ranks >> arrival.address;
    if (arrival.ranks != std::to_string(info.ranks)) {
      throw Error("rank ", rank, " was started as one of ", arrival.ranks, ", rank ", info.rank, " as one of ",
                  info.ranks, ": start all of them with the same number");
    }
    all.push_back(arrival);
  }
  return all;
}

// Where the store is on this machine its name may lead to the loopback (Debian's /etc/hosts gives a machine's own name
// 127.0.1.1): then the way to a rank of another machine counts.
std::string address_for_others(const std::string& own, const std::vector<Arrival>& all) {
  if (!is_loopback(own)) return own;
  for (const auto& arrival : all) {
    if (is_loopback(arrival.address)) continue;
    if (const auto address = own_address_towards(arrival.address)) return *address;
  }
  return own;
}

}  // namespace

std::chrono::milliseconds as_milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(seconds * 1e3)));
}

// Rank 0 may end at any moment, for a reason of its own that it says; the store goes with it.
Rendezvous rendezvous(const RankInfo& info, double timeout_s) try {
  const bool keeps = info.rank == 0 && !info.agent_keeps_store;
  auto whole = keeps ? keep_store(info, timeout_s) : reach_store(info, timeout_s);
  const auto own = own_address_towards(info.host).value_or("127.0.0.1");
  std::string name = "meeting";
  std::optional<Usher> usher;
  if (info.agent_keeps_store) {
    const auto shared = c10::make_intrusive<c10d::PrefixStore>("glint", whole);
    if (info.rank == 0) usher.emplace(shared);
    name = "glint/" + (usher ? usher->meeting() : ask_for_meeting(*shared, info, timeout_s));
  }
  Rendezvous meeting;
  meeting.store = c10::make_intrusive<c10d::PrefixStore>(name, whole);
  join(*meeting.store, info, own);
  wait_for_all(*meeting.store, info, timeout_s, usher);
  meeting.address = address_for_others(own, arrivals(*meeting.store, info));
  meeting.watchdog_store = c10::make_intrusive<c10d::PrefixStore>(name, reach_store(info, timeout_s));
  return meeting;
} catch (const c10::DistError& error) {
  throw Error("rank ", info.rank, ", on ", machine_name(), ", lost ", keeper(info), " at ", place(info),
              " while the ranks met (", plain_cause(error.what_without_backtrace()), "): look there for why it ended");
}

}  // namespace glint::dist
