#include "dist/watchdog.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <future>
#include <mutex>
#include <optional>
#include <sstream>
#include <utility>

#include "dist/group.h"
#include "dist/network.h"
#include "dist/straggler.h"
#include "glint/core/activity.h"
#include "glint/core/log.h"
#include "glint/core/machine_name.h"
#include "glint/core/running_time.h"
#include "glint/core/stop_signal.h"
#include "glint/core/thread_pool.h"

namespace glint::dist {

namespace {

using Clock = std::chrono::steady_clock;
using Verdict = StragglerJudge::Verdict;

constexpr double kSpeakEverySeconds = 1, kLookEverySeconds = 0.1, kLeavePollSeconds = 0.02;
// A rendezvous that is gone: so long may this rank itself take to end, or to say it better.
constexpr double kGoneGraceSeconds = 1.5;
constexpr double kDeferSeconds = 2;  // to the rank whose turn it is to speak
constexpr double kLogSeconds = 1;    // for the sentence, then the process ends even if nobody reads it
constexpr double kHungStoreSeconds = 2;
// How long a dead rank's last words may still be news, and how long silence then is death.
constexpr double kOldNewsSeconds = 1.2, kSilenceSeconds = 2;
constexpr double kDeadSeconds = 5;  // a rank that is awaited at the end and has not spoken for so long
constexpr const char* kNotConnected =
    ": all ranks have met, but do not all reach one another at these addresses; does a firewall let TCP connections at "
    "any port pass between the machines? GLOO_SOCKET_IFNAME names another network to use";
constexpr double kStoppedSeconds = 5;  // between two looks: somebody stopped this process (SLURM suspends jobs)

Clock::duration as_duration(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

// "beats progress collectives has_left has_failed\nactivity"
std::string pack(const RankStatus& word) {
  return concat(word.beats, " ", word.progress, " ", word.collectives, " ", word.has_left, " ", word.has_failed, "\n",
                word.activity);
}

RankStatus unpack(const std::vector<std::uint8_t>& bytes) {
  RankStatus word;
  std::istringstream in(std::string(bytes.begin(), bytes.end()));
  in >> word.beats >> word.progress >> word.collectives >> word.has_left >> word.has_failed;
  in.ignore(1);
  std::getline(in, word.activity);
  return word;
}

// The log's lock may be held by a thread that hangs.
void say_or_give_up(const std::string& text) {
  auto said = std::make_shared<std::promise<void>>();
  auto is_said = said->get_future();
  try {
    start_thread([text, said] {
      log_error(text);
      said->set_value();
    }).detach();
  } catch (const NotNow&) {
    log_error(text);
    return;
  }
  is_said.wait_for(as_duration(kLogSeconds));
}

}  // namespace

struct Watchdog::Shared {
  Shared(const RankInfo& rank_info, double timeout, c10::intrusive_ptr<c10d::Store> connection)
      : info(rank_info),
        timeout_s(timeout),
        store(std::move(connection)),
        judge(static_cast<std::size_t>(info.ranks), as_duration(timeout), running_now()),
        last_answer(running_now()) {
    for (std::int64_t rank = 0; rank < info.ranks; ++rank) keys.push_back(key(rank));
  }

  void speak_until_stopped();
  void linger();
  bool exchange_words(bool has_left);
  void judge_until_stopped();
  std::optional<std::string> sentence(Clock::time_point now, std::vector<std::size_t>& blamed) const;
  std::vector<std::size_t> failed_ranks() const;
  std::string rendezvous_name() const;
  std::string find_lost_ranks();
  std::string name(std::size_t rank, const char* what) const {
    const auto& activity = judge.word(rank).activity;
    return concat("rank ", rank, what, activity.empty() ? "" : "; it did last: ", activity);
  }
  bool wait(std::unique_lock<std::mutex>& lock, double seconds) {
    return changed.wait_for(lock, as_duration(seconds), [this] { return stopping; });
  }

  const RankInfo info;
  const double timeout_s;
  const c10::intrusive_ptr<c10d::Store> store;  // the speaker's alone
  std::vector<std::string> keys;
  std::uint64_t beats = 0;

  std::mutex mutex;  // of all below
  std::condition_variable changed;
  StragglerJudge judge;
  Clock::time_point last_answer;                // of the rendezvous
  std::optional<Clock::time_point> gone_since;  // it closed the connection
  bool is_connecting = true;
  bool stopping = false, in_peace = false, wait_for_others = false, silent = false;  // silent: the speaker has ended
};

// False where the rendezvous is gone.
bool Watchdog::Shared::exchange_words(bool has_left) {
  const auto own = current_activity();
  const auto place = "on " + machine_name();
  bool has_failed = false;
  if (has_left) {
    const std::lock_guard lock(mutex);
    has_failed = !in_peace;
  }
  const RankStatus word{++beats,  own.progress, own.collectives,
                        has_left, has_failed,   (own.text.empty() ? "started" : own.text) + ", " + place};
  std::vector<RankStatus> words;
  try {
    store->set(key(info.rank), pack(word));
    for (const auto& bytes : store->multiGet(keys)) words.push_back(unpack(bytes));
  } catch (const std::exception&) {
    const std::lock_guard lock(mutex);
    gone_since = running_now();
    changed.notify_all();
    return false;
  }
  const std::lock_guard lock(mutex);
  last_answer = running_now();
  judge.hear(words, last_answer);
  return true;
}

void Watchdog::Shared::speak_until_stopped() {
  const double every_s = std::min(kSpeakEverySeconds, timeout_s / 4);
  bool is_there = true;
  std::unique_lock lock(mutex);
  while (is_there && !stopping) {
    lock.unlock();
    is_there = exchange_words(/*has_left=*/false);
    lock.lock();
    if (is_there) wait(lock, every_s);
  }
  const bool lingers = wait_for_others;
  lock.unlock();
  is_there = is_there && exchange_words(/*has_left=*/true);
  if (is_there && lingers) linger();
  lock.lock();
  silent = true;
  changed.notify_all();
}

// Until all others have left, or those that have not are heard no more, or the time is over.
void Watchdog::Shared::linger() {
  const auto begin = running_now();
  auto last_news = begin;
  std::uint64_t heard = 0;
  while (running_now() - begin < as_duration(timeout_s) && running_now() - last_news < as_duration(kDeadSeconds)) {
    std::uint64_t beats_of_others = 0;
    bool all_have_left = true;
    {
      const std::lock_guard lock(mutex);
      for (std::size_t rank = 0; rank < keys.size(); ++rank) {
        if (rank != static_cast<std::size_t>(info.rank)) beats_of_others += judge.word(rank).beats;
        all_have_left &= judge.word(rank).has_left;
      }
    }
    if (all_have_left) return;
    if (std::exchange(heard, beats_of_others) != beats_of_others) last_news = running_now();
    std::this_thread::sleep_for(as_duration(kLeavePollSeconds));
    if (!exchange_words(/*has_left=*/true)) return;
  }
}

std::string Watchdog::Shared::rendezvous_name() const {
  return concat(info.agent_keeps_store ? "torchrun's rendezvous" : "rank 0, which keeps the rendezvous", " at ",
                info.host, ":", info.port);
}

// The mutex is held.
std::vector<std::size_t> Watchdog::Shared::failed_ranks() const {
  std::vector<std::size_t> failed;
  for (std::size_t rank = 0; rank < keys.size(); ++rank) {
    if (judge.word(rank).has_failed) failed.push_back(rank);
  }
  return failed;
}

// What is wrong, if anything, and with which ranks. The mutex is held.
std::optional<std::string> Watchdog::Shared::sentence(Clock::time_point now, std::vector<std::size_t>& blamed) const {
  if (!info.agent_keeps_store) blamed = {0};
  const auto last_words = info.agent_keeps_store ? "" : concat("; it did last: ", judge.word(0).activity);
  if (gone_since) {
    if (now - *gone_since < as_duration(kGoneGraceSeconds)) return std::nullopt;
    return concat(rendezvous_name(), ", is gone", last_words, "; the training ends");
  }
  if (now - last_answer >= as_duration(timeout_s)) {
    return concat(rendezvous_name(), ", has not answered for ", timeout_s, " s (dist.timeout_s)", last_words,
                  "; the training ends");
  }
  if (is_connecting) {
    blamed = failed_ranks();
    if (!blamed.empty()) return concat(name(blamed.front(), " has failed"), "; the training ends");
  }
  const auto verdict = judge.verdict(now);
  if (verdict.kind == StragglerJudge::Kind::kNone) return std::nullopt;
  blamed = verdict.ranks;
  std::string text;
  for (const auto rank : blamed) {
    text += concat(text.empty() ? "" : ", ", "rank ", rank, " (", judge.word(rank).activity, ")");
  }
  const bool is_silent = verdict.kind == StragglerJudge::Kind::kSilent;
  return concat(text, blamed.size() > 1 ? " have " : " has ", is_silent ? "not been heard of" : "made no progress",
                " for ", timeout_s, " s (dist.timeout_s); the training ends",
                is_connecting && !is_silent ? kNotConnected : "");
}

void Watchdog::Shared::judge_until_stopped() {
  std::unique_lock lock(mutex);
  std::vector<std::size_t> blamed;
  std::optional<std::string> found;
  auto last_look = Clock::now();
  while (!found) {
    if (wait(lock, kLookEverySeconds)) return;
    const auto now = running_now();
    if (Clock::now() - last_look > as_duration(kStoppedSeconds)) {
      judge.start_again(now);
      last_answer = now;
    }
    last_look = Clock::now();
    found = sentence(now, blamed);
  }
  // One rank speaks: the first that is not to blame. The others give it time to, and then speak themselves.
  std::size_t speaker = 0;
  while (std::count(blamed.begin(), blamed.end(), speaker) > 0) ++speaker;
  if (speaker >= keys.size()) speaker = 0;
  const bool is_deferring = speaker != static_cast<std::size_t>(info.rank);
  if (is_deferring && wait(lock, kDeferSeconds)) return;
  lock.unlock();
  note_verdict();
  const bool has_another_spoken = is_deferring && stop_requested() != 0;  // torchrun and srun then end the others
  if (!has_another_spoken) say_or_give_up(*found);
  std::_Exit(1);
}

std::string Watchdog::Shared::find_lost_ranks() {
  std::unique_lock lock(mutex);
  const auto is_gone = [this] { return gone_since.has_value(); };
  const auto listen = [&](double seconds) {
    const auto end = running_now() + as_duration(seconds);
    while (running_now() < end && !is_gone() && stop_requested() == 0) {
      changed.wait_for(lock, as_duration(kLeavePollSeconds), is_gone);
    }
  };
  listen(kOldNewsSeconds);
  std::vector<std::uint64_t> beats_before;
  for (std::size_t rank = 0; rank < keys.size(); ++rank) beats_before.push_back(judge.word(rank).beats);
  listen(kSilenceSeconds);
  if (stop_requested() != 0) return "a signal asked to stop, and other ranks have";
  if (is_gone()) return info.agent_keeps_store ? rendezvous_name() + " is gone" : name(0, " is gone");
  std::string gone, ended;
  for (std::size_t rank = 0; rank < keys.size(); ++rank) {
    if (judge.word(rank).beats != beats_before[rank]) continue;
    const bool has_left = judge.word(rank).has_left;
    auto& text = has_left ? ended : gone;
    text += (text.empty() ? "" : "; ") + name(rank, has_left ? " has ended" : " is gone");
  }
  return gone.empty() ? ended : gone;  // where one is gone without a word, others end because of it
}

std::string Watchdog::key(std::int64_t rank) {
  return concat("watch/", rank);
}

Watchdog::Watchdog(const RankInfo& info, double timeout_s, c10::intrusive_ptr<c10d::Store> store)
    : shared_(std::make_shared<Shared>(info, timeout_s, std::move(store))) {
  running_now();  // from here on it knows of stops
  judge_ = start_thread([shared = shared_] { shared->judge_until_stopped(); });
  try {
    speaker_ = start_thread([shared = shared_] { shared->speak_until_stopped(); });
  } catch (const NotNow&) {
    {
      const std::lock_guard lock(shared_->mutex);
      shared_->stopping = true;
    }
    shared_->changed.notify_all();
    judge_.join();
    throw;
  }
}

Watchdog::~Watchdog() {
  leave(/*in_peace=*/false);
}

std::string Watchdog::find_lost_ranks() {
  return shared_->find_lost_ranks();
}

void Watchdog::ranks_are_connected() {
  const std::lock_guard lock(shared_->mutex);
  shared_->is_connecting = false;
}

void Watchdog::leave(bool in_peace) {
  if (!judge_.joinable()) return;
  std::unique_lock lock(shared_->mutex);
  shared_->stopping = true;
  shared_->in_peace = in_peace;
  shared_->wait_for_others = in_peace && shared_->info.rank == 0;
  shared_->changed.notify_all();
  const double limit_s = kHungStoreSeconds + (shared_->wait_for_others ? shared_->timeout_s : 0);
  const bool ended = shared_->changed.wait_for(lock, as_duration(limit_s), [this] { return shared_->silent; });
  lock.unlock();
  judge_.join();
  if (ended) {
    speaker_.join();
  } else {
    speaker_.detach();
  }
}

}  // namespace glint::dist
