#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "media/descriptor.h"
#include "media/messages.h"

namespace glint::media {

// How a process ended.
struct ProcessEnd {
  bool is_signal = false;
  int number = 0;  // of the signal, or exit code

  std::string text() const;  // "signal 11 (Segmentation fault)", "exit code 3"
};

// A glint-decode, idle or reading for one FileReader.
class WorkerProcess {
 public:
  // Starts it and waits until it is there. Throws Error where the program is not there, NotNow where the machine cannot
  // start it now.
  WorkerProcess();
  ~WorkerProcess() { finish(); }  // ends it, whatever it does
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  pid_t pid() const { return pid_; }
  int socket() const { return socket_.get(); }
  SharedMemory& memory() { return memory_; }

  bool is_alive() const;
  // Seconds it has computed so far; none where that cannot be told.
  double computed_s() const;
  // From now on it has at most `bytes` of memory, and ends by SIGXCPU after `seconds` more of computing.
  void limit(std::int64_t bytes, double seconds) const;
  // Ends it and says how it ended; what died by itself did so before.
  ProcessEnd finish();

 private:
  void start();

  Descriptor shared_;
  Descriptor socket_;
  pid_t pid_ = -1;
  SharedMemory memory_;
};

// Idle workers of this process, which live as long as it does. Thread-safe.
std::unique_ptr<WorkerProcess> take_worker();
void give_back_worker(std::unique_ptr<WorkerProcess> worker);

}  // namespace glint::media
