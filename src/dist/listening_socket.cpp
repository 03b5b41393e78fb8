#include "dist/listening_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "glint/core/error.h"

namespace glint::dist {

ListeningSocket::ListeningSocket() {
  constexpr int kWaiting = 1024;  // connections that rank 0 has not taken yet
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  descriptor_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor_ < 0 || bind(descriptor_, plain, size) != 0 || listen(descriptor_, kWaiting) != 0 ||
      getsockname(descriptor_, plain, &size) != 0) {
    const auto cause = std::generic_category().message(errno);
    if (descriptor_ >= 0) close(descriptor_);
    throw Error("no port of this machine can be had for the ranks to meet at: ", cause);
  }
  port_ = ntohs(address.sin_port);
}

ListeningSocket::~ListeningSocket() {
  close(descriptor_);
}

}  // namespace glint::dist
