#include "media/messages.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

namespace glint::media {

namespace {

constexpr int kLookMs = 100;  // how long a signal that asks to stop may stay unseen
constexpr std::uint64_t kMaxBodyBytes = std::uint64_t{1} << 28;

bool send_all(int socket, iovec* parts, std::size_t count) {
  while (count > 0) {
    msghdr header{};
    header.msg_iov = parts;
    header.msg_iovlen = count;
    const auto sent = sendmsg(socket, &header, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    auto left = static_cast<std::size_t>(sent);
    for (; count > 0 && left >= parts->iov_len; ++parts, --count) left -= parts->iov_len;
    if (count == 0) return true;
    parts->iov_base = static_cast<char*>(parts->iov_base) + left;
    parts->iov_len -= left;
  }
  return true;
}

bool receive_all(int socket, void* data, std::size_t size, const GoOn& go_on) {
  char* to = static_cast<char*>(data);
  while (size > 0) {
    const auto received = recv(socket, to, size, go_on ? MSG_DONTWAIT : 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0 && errno == EAGAIN) {
      pollfd entry{socket, POLLIN, 0};
      if (poll(&entry, 1, kLookMs) <= 0 && !go_on()) return false;
      continue;
    }
    if (received <= 0) return false;
    to += received;
    size -= static_cast<std::size_t>(received);
  }
  return true;
}

// Room for one descriptor beside a message.
union Control {
  cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int))];
};

msghdr message_of(iovec& part, Control& control) {
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  return message;
}

}  // namespace

bool send_message(int socket, const Message& message) {
  std::uint64_t header[] = {static_cast<std::uint64_t>(message.word), message.body.size()};
  iovec parts[] = {{header, sizeof header}, {const_cast<char*>(message.body.data()), message.body.size()}};
  return send_all(socket, parts, message.body.empty() ? 1 : 2);
}

std::optional<Message> receive_message(int socket, const GoOn& go_on) {
  std::uint64_t header[2] = {};
  if (!receive_all(socket, header, sizeof header, go_on)) return std::nullopt;
  if (header[0] > static_cast<std::uint64_t>(Word::kOutOfMemory) || header[1] > kMaxBodyBytes) return std::nullopt;
  Message message{static_cast<Word>(header[0]), std::string(header[1], '\0')};
  if (!receive_all(socket, message.body.data(), message.body.size(), go_on)) return std::nullopt;
  return message;
}

bool send_descriptor(int socket, int descriptor) {
  char byte = 0;
  iovec part{&byte, 1};
  Control control{};
  msghdr message = message_of(part, control);
  cmsghdr* item = CMSG_FIRSTHDR(&message);
  item->cmsg_level = SOL_SOCKET;
  item->cmsg_type = SCM_RIGHTS;
  item->cmsg_len = CMSG_LEN(sizeof descriptor);
  std::memcpy(CMSG_DATA(item), &descriptor, sizeof descriptor);
  while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

int receive_descriptor(int socket) {
  char byte = 0;
  iovec part{&byte, 1};
  Control control{};
  msghdr message = message_of(part, control);
  ssize_t received = -1;
  do {
    received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (received < 0 && errno == EINTR);
  const cmsghdr* item = received > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (item == nullptr || item->cmsg_type != SCM_RIGHTS) return -1;
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(item), sizeof descriptor);
  return descriptor;
}

SharedMemory::~SharedMemory() {
  if (data_ != nullptr) munmap(data_, mapped_);
}

void SharedMemory::grow(std::size_t bytes) {
  if (bytes <= size_) return;
  if (ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0) {
    const int problem = errno;
    throw NotNow("no memory for a decoded picture of ", bytes, " bytes: ", std::strerror(problem));
  }
  size_ = bytes;
}

std::uint8_t* SharedMemory::map(std::size_t bytes) {
  if (bytes <= mapped_) return data_;
  if (data_ != nullptr) munmap(data_, mapped_);
  data_ = nullptr;
  mapped_ = 0;
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<std::uint8_t*>(mapped);
  mapped_ = bytes;
  return data_;
}

}  // namespace glint::media
