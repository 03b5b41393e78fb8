#pragma once

#include <sys/types.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "glint/core/error.h"

namespace glint::media {

// What the two processes tell each other.
enum class Word : std::uint32_t {
  kReady,        // child: started
  kOpen,         // parent: path, options
  kOpened,       // child: info, times
  kRead,         // parent: frame numbers
  kFrame,        // child: position, width, height; the pixels stand in the shared memory
  kNext,         // parent, after a kFrame
  kStop,         // parent, after a kFrame: no more of them; answered by kDone
  kDone,         // child: lost frames, time spent
  kClose,        // parent: the file is not needed any more
  kFailed,       // child: an Error's words
  kOutOfMemory,  // child, which ends
  kBug,          // child: any other exception's words
};

struct Message {
  Word word = Word::kReady;
  std::string body = {};
};

// A message's body, value after value. Both sides are one program: no order of bytes, no versions.
class Packer {
 public:
  template <class T>
  void add(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    body_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void add(const std::string& text) {
    add(text.size());
    body_ += text;
  }
  template <class T>
  void add(const std::vector<T>& values) {
    static_assert(std::is_trivially_copyable_v<T>);
    add(values.size());
    body_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }
  std::string take() { return std::move(body_); }

 private:
  std::string body_;
};

class Unpacker {
 public:
  explicit Unpacker(const std::string& body) : body_(body) {}
  template <class T>
  void get(T& value) {
    std::memcpy(&value, advance(sizeof value), sizeof value);
  }
  void get(std::string& text) {
    std::size_t size = 0;
    get(size);
    text.assign(advance(size), size);
  }
  template <class T>
  void get(std::vector<T>& values) {
    std::size_t size = 0;
    get(size);
    GLINT_CHECK(size <= body_.size() / sizeof(T), size, " values in a message of ", body_.size(), " bytes");
    const char* from = advance(size * sizeof(T));
    values.resize(size);
    if (size > 0) std::memcpy(values.data(), from, size * sizeof(T));
  }

 private:
  const char* advance(std::size_t bytes) {
    GLINT_CHECK(bytes <= body_.size() - at_, "a message of ", body_.size(), " bytes is too short");
    at_ += bytes;
    return body_.data() + at_ - bytes;
  }
  const std::string& body_;
  std::size_t at_ = 0;
};

// Blocks. False, or none, where the other process is gone or `deadline_s` (of the monotonic clock) has passed.
bool send_message(int socket, const Message& message);
std::optional<Message> receive_message(int socket, std::optional<double> deadline_s = std::nullopt);
double monotonic_s();

// Memory that both processes see; it only ever grows, so that neither can take a page from under the other.
class SharedMemory {
 public:
  explicit SharedMemory(int descriptor) : descriptor_(descriptor) {}
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  // At least so many bytes; grow: makes them where they are not there, else that is a Bug. The address may change.
  std::uint8_t* map(std::size_t bytes, bool grow);

 private:
  int descriptor_;  // not ours to close
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

// A decoder in a process of its own, idle or reading for one FileReader.
class WorkerProcess {
 public:
  WorkerProcess();   // starts it and waits until it is there; Error where that fails
  ~WorkerProcess();  // ends it, whatever it does
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  pid_t pid() const { return pid_; }
  int socket() const { return socket_; }
  SharedMemory& memory() { return memory_; }
  // Ends it and says how it ended: "signal 11 (Segmentation fault)", "exit code 3".
  std::string finish();

 private:
  int shared_ = -1;
  int socket_ = -1;
  pid_t pid_ = -1;
  SharedMemory memory_;
};

// Idle workers of this process, which live as long as it does. Thread-safe.
std::unique_ptr<WorkerProcess> take_worker();
void give_back_worker(std::unique_ptr<WorkerProcess> worker);

// From now on take_worker() starts this program anew; else the one that GLINT_PROGRAM names.
void serve_by_this_program();
constexpr const char* kWorkerCommand = "decode-worker";
constexpr int kWorkerSocket = 3, kWorkerMemory = 4;  // descriptors in the child

}  // namespace glint::media
