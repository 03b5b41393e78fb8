#pragma once

#include <cstdint>

namespace glint::dist {

// A socket that listens at a free port of this machine's loopback.
class ListeningSocket {
 public:
  ListeningSocket();  // Error where the system gives none
  ~ListeningSocket();
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;

  int descriptor() const { return descriptor_; }  // closed on exec
  std::int64_t port() const { return port_; }

 private:
  int descriptor_ = -1;
  std::int64_t port_ = 0;
};

}  // namespace glint::dist
