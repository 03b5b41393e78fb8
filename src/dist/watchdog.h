#pragma once

#include <torch/csrc/distributed/c10d/Store.hpp>

#include <memory>
#include <thread>

#include "glint/dist/rank_info.h"

namespace glint::dist {

// Tells the other ranks what this one does, about once a second, and watches them: where one stands still or falls
// silent for `timeout_s`, or the rendezvous is gone, one rank says so in a sentence with that rank's last words, and
// all end with exit code 1. By _Exit: threads that wait in a collective can be ended in no other way.
class Watchdog {
 public:
  // After all ranks have met, before they are connected. `store` is a connection of its own.
  Watchdog(const RankInfo& info, double timeout_s, c10::intrusive_ptr<c10d::Store> store);
  ~Watchdog();  // leave(false)
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // From now on nobody is to blame for a network on which ranks do not reach one another.
  void ranks_are_connected();

  // Says that this rank's part is done and ends the watch. `in_peace`: rank 0, which may keep the rendezvous, first
  // waits until the others are done too, as long as they live and no longer than the timeout.
  void leave(bool in_peace);

  // After a connection broke: waits until dead ranks are known by their silence, three seconds, and names them with
  // what they did last: "rank 2 is gone; it did last: step 57: backward, on node3". Empty where all are still heard.
  // Does not wait where a signal asks to stop.
  std::string find_lost_ranks();

  static std::string key(std::int64_t rank);  // of its words in the store

 private:
  struct Shared;  // outlives this object where a thread hangs in the store
  std::shared_ptr<Shared> shared_;
  std::thread speaker_, judge_;
};

}  // namespace glint::dist
