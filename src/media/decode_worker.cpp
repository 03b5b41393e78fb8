#include "glint/media/decode_worker.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>

#include "media/av.h"
#include "media/file_reader.h"
#include "media/worker_process.h"

namespace glint {

using namespace media;

namespace {

// The ways out of a sink: the parent is gone; it wants no more frames.
struct Abandoned {};
struct Stopped {};

class Worker {
 public:
  // Until the parent closes the socket.
  int serve() {
    tell(Word::kReady);
    while (auto request = receive_message(kWorkerSocket)) {
      errno = 0;
      try {
        answer(*request);
      } catch (const Abandoned&) {
        return 0;
      } catch (const std::exception& problem) {
        if (is_out_of_memory() || dynamic_cast<const std::bad_alloc*>(&problem) != nullptr) {
          tell(Word::kOutOfMemory);  // what libav does after that nobody knows: another process goes on
          return 0;
        }
        tell(dynamic_cast<const Error*>(&problem) != nullptr ? Word::kFailed : Word::kBug, problem.what());
      }
    }
    return 0;
  }

 private:
  void answer(const Message& request) {
    Unpacker body(request.body);
    switch (request.word) {
      case Word::kOpen:
        return open(body);
      case Word::kRead:
        return read(body);
      case Word::kClose:
        file_.reset();
        return;
      default:
        throw Bug("word ", static_cast<int>(request.word), " in place of a request");
    }
  }

  // Did an allocation fail since the request came? Some decoders take that for damage and give other pictures, so the
  // C library is asked: a call that succeeds leaves errno as it is.
  static bool is_out_of_memory() { return errno == ENOMEM; }
  static void check_memory() {
    if (is_out_of_memory()) throw std::bad_alloc();
  }

  void open(Unpacker& body) {
    std::string path;
    ReaderOptions options;
    body.get(path);
    body.get(options);
    file_.reset();
    limit_memory(options.max_isolated_bytes);
    file_ = open_here(path, options);
    check_memory();
    const auto& info = file_->info();
    Packer reply;
    reply.add(info.width), reply.add(info.height);
    reply.add(info.average_fps), reply.add(info.duration_s);
    reply.add(info.rotation), reply.add(info.sample_aspect);
    reply.add(info.codec), reply.add(info.container);
    reply.add(file_->times_s());
    reply.add(file_->time_spent());
    tell(Word::kOpened, reply.take());
  }

  void read(Unpacker& body) {
    std::vector<std::int64_t> frames;
    body.get(frames);
    GLINT_CHECK(file_ != nullptr, "no file is open");
    try {
      file_->read(frames, [this](std::size_t position, const Image& image) { hand_over(position, image); });
    } catch (const Stopped&) {  // as if they had all been read
    }
    Packer reply;
    reply.add(file_->lost_frames());
    reply.add(file_->time_spent());
    tell(Word::kDone, reply.take());
  }

  void hand_over(std::size_t position, const Image& image) {
    check_memory();
    std::memcpy(memory_.map(image.rgb.size(), /*grow=*/true), image.rgb.data(), image.rgb.size());
    Packer frame;
    frame.add(position);
    frame.add(image.width);
    frame.add(image.height);
    tell(Word::kFrame, frame.take());
    const auto reply = receive_message(kWorkerSocket);
    if (reply && reply->word == Word::kStop) throw Stopped();
    if (!reply || reply->word != Word::kNext) throw Abandoned();
  }

  // Data: what the process has for itself, the program's libraries and the shared frame not counted.
  static void limit_memory(std::int64_t bytes) {
    rlimit limit{};
    getrlimit(RLIMIT_DATA, &limit);
    limit.rlim_cur = std::min(limit.rlim_max, static_cast<rlim_t>(bytes));
    setrlimit(RLIMIT_DATA, &limit);
  }

  void tell(Word word, std::string body = {}) {
    if (!send_message(kWorkerSocket, {word, std::move(body)})) throw Abandoned();
  }

  std::unique_ptr<FileReader> file_;
  SharedMemory memory_{kWorkerMemory};
};

}  // namespace

std::optional<int> run_decode_worker(int argc, char** argv) {
  if (argc != 2 || std::strcmp(argv[1], kWorkerCommand) != 0) {
    serve_by_this_program();
    return std::nullopt;
  }
  // A Ctrl-C reaches all processes of the terminal: it is the parent who says when to end, by closing the socket.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGTERM, SIG_IGN);
  std::signal(SIGUSR1, SIG_IGN);  // SLURM sends it to all processes of a step
  quiet_libav();
  try {
    return Worker().serve();
  } catch (const Abandoned&) {
    return 0;
  }
}

}  // namespace glint
