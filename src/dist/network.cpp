#include "dist/network.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <vector>

namespace glint::dist {

namespace {

constexpr int kTryMilliseconds = 2000;
constexpr const char* kAnyPort = "9";

struct AddressFree {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

struct LookUp {
  std::unique_ptr<addrinfo, AddressFree> list;
  std::string problem;
  // The older protocol's first: ranks that have both then all take the same.
  std::vector<const addrinfo*> addresses() const {
    std::vector<const addrinfo*> found;
    for (const auto* item = list.get(); item != nullptr; item = item->ai_next) found.push_back(item);
    std::stable_partition(found.begin(), found.end(), [](const auto* item) { return item->ai_family == AF_INET; });
    return found;
  }
};

LookUp look_up(const std::string& host, const std::string& port, int kind) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = kind;
  addrinfo* list = nullptr;
  const int problem = getaddrinfo(host.c_str(), port.c_str(), &wanted, &list);
  if (problem == EAI_SYSTEM) return {nullptr, std::generic_category().message(errno)};
  if (problem != 0) return {nullptr, gai_strerror(problem)};
  return {std::unique_ptr<addrinfo, AddressFree>(list), ""};
}

class Socket {
 public:
  explicit Socket(const addrinfo& address)
      : descriptor_(socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}
  ~Socket() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

// For UDP this asks the routes alone.
std::optional<std::string> own_address_towards(const addrinfo& target) {
  const Socket socket(target);
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  auto* plain = reinterpret_cast<sockaddr*>(&own);
  char digits[NI_MAXHOST] = "";
  if (connect(socket.descriptor(), target.ai_addr, target.ai_addrlen) != 0 ||
      getsockname(socket.descriptor(), plain, &size) != 0 ||
      getnameinfo(plain, size, digits, sizeof digits, nullptr, 0, NI_NUMERICHOST) != 0) {
    return std::nullopt;
  }
  return digits;
}

// 0: connected; else errno's number.
int try_connection(const addrinfo& target) {
  const Socket socket(target);
  if (connect(socket.descriptor(), target.ai_addr, target.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd waiting{socket.descriptor(), POLLOUT, 0};
  if (poll(&waiting, 1, kTryMilliseconds) <= 0) return ETIMEDOUT;
  int problem = 0;
  socklen_t size = sizeof problem;
  getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &problem, &size);
  return problem;
}

}  // namespace

std::optional<std::string> own_address_towards(const std::string& host) {
  const auto found = look_up(host, kAnyPort, SOCK_DGRAM);
  for (const auto* target : found.addresses()) {
    if (auto address = own_address_towards(*target)) return address;
  }
  return std::nullopt;
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

std::string obstacle_towards(const std::string& host, std::int64_t port) {
  const auto found = look_up(host, std::to_string(port), SOCK_STREAM);
  if (!found.list) return "the name " + host + " is not known here: " + found.problem;
  int problem = 0;
  for (const auto* target : found.addresses()) {
    problem = try_connection(*target);
    if (problem == 0) return "";
  }
  if (problem == ETIMEDOUT)
    return "no answer: is the machine there, and does no firewall drop what comes to that port?";
  return std::generic_category().message(problem);
}

}  // namespace glint::dist
