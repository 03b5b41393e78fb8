#include "dist/group.h"

#include <gloo/common/error.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "dist/launch_variables.h"
#include "glint/core/stop_signal.h"

namespace glint::dist {

std::string plain_cause(const std::string& message) {
  auto text = message.substr(0, message.find('\n'));
  for (const char* tail : {" Exception raised from", ". This may indicate a possible application crash"}) {
    text = text.substr(0, text.find(tail));
  }
  if (!text.empty() && text.front() == '[') {  // a source file and its line
    const auto end = text.find("] ");
    if (end != std::string::npos) text.erase(0, end + 2);
  }
  while (!text.empty() && (text.back() == '.' || text.back() == ' ')) text.pop_back();
  return text;
}

namespace {

// Ranks that lose another all wait so long before they end themselves, and so are heard meanwhile; rank 0 longer, since
// its end takes the rendezvous away. Where glint's launcher is there, it has ended all by then. Where a signal asks
// to stop, those that are gone have obeyed it, and nobody waits.
void wait_before_ending(const Group& group, std::chrono::steady_clock::time_point begin) {
  const bool is_launched = std::getenv(kLaunchedVariable) != nullptr;
  const double wait_s = is_launched                      ? kWaitForLauncherSeconds
                        : group.features->getRank() == 0 ? kWaitForOthersSeconds
                                                         : 0;
  const auto end = begin + std::chrono::duration<double>(wait_s);
  while (stop_requested() == 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

std::string find_loss(Group& group, const char* doing, const std::string& message) {
  const auto begin = std::chrono::steady_clock::now();
  const auto who = group.watchdog ? group.watchdog->find_lost_ranks() : "";
  wait_before_ending(group, begin);
  const auto cause = plain_cause(message);
  const int rank = group.features->getRank();
  if (who.empty())
    return concat("rank ", rank, " lost the other ranks while ", doing, " (", cause, "); is the network well?");
  return concat(who, "; rank ", rank, " lost the connection while ", doing, " (", cause, ")");
}

[[noreturn]] void lost(Group& group, const char* doing, const std::string& message) {
  const std::lock_guard lock(group.mutex);
  if (!group.loss) group.loss = find_loss(group, doing, message);
  throw Error(*group.loss);
}

}  // namespace

void throw_lost(Group& group, const char* doing) {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const c10::DistError& error) {
    lost(group, doing, error.what_without_backtrace());
  } catch (const gloo::Exception& error) {
    lost(group, doing, error.what());
  }
}

}  // namespace glint::dist
