#include "glint/core/standard_streams.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <iostream>
#include <streambuf>
#include <string_view>

#include "glint/core/error.h"
#include "glint/core/stop_signal.h"

namespace glint {
namespace {

void open_closed_descriptors() {
  while (true) {
    const int descriptor = ::open("/dev/null", O_RDWR);
    if (descriptor < 0) return;  // no /dev: nothing can be done
    if (descriptor > STDERR_FILENO) {
      ::close(descriptor);
      return;
    }
  }
}

// std::cout's own buffer says that it failed, but not why.
class OutputBuffer : public std::streambuf {
 public:
  OutputBuffer() : is_terminal_(isatty(STDOUT_FILENO) == 1) { setp(bytes_.data(), bytes_.data() + bytes_.size()); }
  int cause() const { return cause_; }  // an errno value of the first failure; 0: none
  bool is_terminal() const { return is_terminal_; }

 protected:
  int_type overflow(int_type letter) override {
    write_out();
    if (traits_type::eq_int_type(letter, traits_type::eof())) return cause_ == 0 ? 0 : traits_type::eof();
    *pptr() = traits_type::to_char_type(letter);
    pbump(1);
    return cause_ == 0 ? letter : traits_type::eof();
  }
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    const auto put = std::streambuf::xsputn(text, size);
    const bool ends_line = std::string_view(text, static_cast<std::size_t>(size)).find('\n') != std::string_view::npos;
    if (is_terminal_ && ends_line) write_out();
    return put;
  }
  int sync() override {
    write_out();
    return cause_ == 0 ? 0 : -1;
  }

 private:
  // After a failure all is dropped: what came later would stand there without what came before.
  void write_out() {
    for (const char* next = pbase(); next < pptr() && cause_ == 0;) {
      const auto written = ::write(STDOUT_FILENO, next, static_cast<std::size_t>(pptr() - next));
      if (written > 0) next += written;
      if (written >= 0 || errno == EINTR) continue;
      if (errno == EAGAIN) {  // whoever started us has set it so; it takes more later
        pollfd ready = {STDOUT_FILENO, POLLOUT, 0};
        ::poll(&ready, 1, /*timeout=*/1000);
        continue;
      }
      cause_ = errno;
    }
    setp(bytes_.data(), bytes_.data() + bytes_.size());
  }

  std::array<char, 1 << 16> bytes_{};
  bool is_terminal_;
  int cause_ = 0;
};

OutputBuffer* output = nullptr;  // never destroyed: std::cout outlives all

}  // namespace

void set_up_standard_streams() {
  open_closed_descriptors();
  std::signal(SIGPIPE, SIG_IGN);
  output = new OutputBuffer;
  std::cout.rdbuf(output);
}

void flush_output() {
  GLINT_CHECK(output != nullptr, "set_up_standard_streams() was not called");
  std::cout.flush();
  if (output->cause() == EPIPE) throw Stopped(SIGPIPE);
  if (output->cause() == EIO && output->is_terminal()) throw Stopped(SIGHUP);  // it has gone away
  if (output->cause() != 0) throw_errno("stdout: the output cannot be written", output->cause());
}

}  // namespace glint
