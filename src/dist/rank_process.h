#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "glint/core/activity.h"

namespace glint::dist {

struct RankStart {
  std::vector<std::string> command;
  std::vector<std::string> environment;  // "NAME=value"
  std::optional<int> handed_down = {};   // a descriptor the rank keeps
};

// A rank started by this process, in a process group of its own; killed, with all it started, where it still runs when
// this object or this process ends. Not thread-safe.
class RankProcess {
 public:
  // Error or NotNow where it cannot be started.
  RankProcess(std::int64_t rank, const RankStart& start);
  ~RankProcess();
  RankProcess(const RankProcess&) = delete;
  RankProcess& operator=(const RankProcess&) = delete;

  std::int64_t rank() const { return rank_; }
  bool running() const { return pid_ > 0; }
  int status() const { return status_; }   // as waitpid gives it, once it does not run any more
  bool killed() const { return killed_; }  // by kill_all()
  ActivityState activity() const { return record_.read(); }

  bool reap();                   // true where it has ended since
  void send(int signal);         // to it alone
  void send_to_all(int signal);  // it and its group
  void kill_all();

  // What it said on stderr since, line by line with its name before each. Rank 0 has our stderr itself.
  int said_descriptor() const { return said_; }  // -1: nothing more to come
  void pass_on_what_it_said();

 private:
  void wait();
  void pass_on_lines(bool all);

  std::int64_t rank_;
  ActivityRecord record_;
  pid_t pid_ = -1;
  int status_ = 0;
  bool killed_ = false;
  int said_ = -1;
  std::string unfinished_;  // the begin of a line
};

}  // namespace glint::dist
