#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "glint/core/error.h"

namespace glint::media {

// What glint and glint-decode tell each other.
enum class Word : std::uint32_t {
  kReady,        // child: started and locked down
  kOpen,         // parent: what to call the file, options; the file's descriptor follows
  kOpened,       // child: info, times
  kRead,         // parent: frame numbers
  kGrow,         // child: bytes that the shared memory must have for the next frame
  kGrown,        // parent
  kFrame,        // child: position, width, height; the pixels stand in the shared memory
  kNext,         // parent, after a kFrame
  kStop,         // parent, after a kFrame: no more of them; answered by kDone
  kDone,         // child: lost frames, time spent
  kClose,        // parent: the file is not needed any more
  kBadFile,      // child: in place of kOpened, kFrame or kDone: how it failed, Note [failures], and the words
  kNotNow,       //
  kFailed,       //   Error
  kBug,          //   any other exception
  kOutOfMemory,  // child, which ends
};

struct Message {
  Word word = Word::kReady;
  std::string body = {};
};

// A message's body, value after value. Both programs come of one build: no order of bytes, no versions.
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

// Throws Bug where a body is too short for what is asked of it.
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
    const char* from = advance(size);
    text.assign(from, size);
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

// Asked ten times a second while nothing comes; false: wait no longer.
using GoOn = std::function<bool()>;

// All block. False, none or -1 where the other process is gone, sends nonsense, or `go_on` gives false.
bool send_message(int socket, const Message& message);
std::optional<Message> receive_message(int socket, const GoOn& go_on = nullptr);
bool send_descriptor(int socket, int descriptor);
int receive_descriptor(int socket);  // the caller's to close

// Memory that both processes see. The parent alone makes it, and it only ever grows, so that neither can take a page
// from under the other.
class SharedMemory {
 public:
  explicit SharedMemory(int descriptor) : descriptor_(descriptor) {}
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  std::size_t size() const { return size_; }
  // Makes it at least so large. Throws NotNow where that fails.
  void grow(std::size_t bytes);
  // The first `bytes`, which the parent has made. The address may change from call to call.
  std::uint8_t* map(std::size_t bytes);

 private:
  int descriptor_;  // not ours to close
  std::uint8_t* data_ = nullptr;
  std::size_t mapped_ = 0;
  std::size_t size_ = 0;
};

constexpr int kWorkerSocket = 3, kWorkerMemory = 4;  // descriptors in the child
constexpr const char* kDecodeProgram = "glint-decode";

}  // namespace glint::media
