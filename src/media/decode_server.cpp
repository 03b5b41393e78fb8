#include "media/decode_server.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <memory>
#include <new>
#include <string>

#include "media/av.h"
#include "media/file_reader.h"
#include "media/messages.h"

namespace glint::media {

namespace {

// The ways out of a sink: the parent is gone; it wants no more frames.
struct Abandoned {};
struct EnoughFrames {};

Word word_for(const std::exception& problem) {
  if (dynamic_cast<const BadFile*>(&problem) != nullptr) return Word::kBadFile;
  if (dynamic_cast<const NotNow*>(&problem) != nullptr) return Word::kNotNow;
  return dynamic_cast<const Error*>(&problem) != nullptr ? Word::kFailed : Word::kBug;
}

class Server {
 public:
  // Until the parent closes the socket.
  int serve() {
    tell(Word::kReady);
    while (auto request = receive_message(kWorkerSocket)) {
      errno = 0;
      try {
        answer(*request);
      } catch (const std::exception& problem) {
        if (is_out_of_memory() || dynamic_cast<const std::bad_alloc*>(&problem) != nullptr) {
          tell(Word::kOutOfMemory);  // what libav does after that nobody knows: another process goes on
          return 0;
        }
        tell(word_for(problem), problem.what());
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
    VideoFile file(path, receive_descriptor(kWorkerSocket));
    errno = 0;
    file_ = open_here(std::move(file), options);
    check_memory();
    const auto& info = file_->info();
    Packer reply;
    reply.add(info.width), reply.add(info.height);
    reply.add(info.average_fps), reply.add(info.duration_s);
    reply.add(info.rotation), reply.add(info.mirrored ? 1 : 0), reply.add(info.sample_aspect);
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
    } catch (const EnoughFrames&) {  // as if they had all been read
    }
    Packer reply;
    reply.add(file_->lost_frames());
    reply.add(file_->time_spent());
    tell(Word::kDone, reply.take());
  }

  void hand_over(std::size_t position, const Image& image) {
    check_memory();
    if (image.rgb.size() > memory_bytes_) {
      Packer wish;
      wish.add(image.rgb.size());
      tell(Word::kGrow, wish.take());
      if (!is_answered(Word::kGrown)) throw Abandoned();
      memory_bytes_ = image.rgb.size();
    }
    std::copy(image.rgb.begin(), image.rgb.end(), memory_.map(memory_bytes_));
    Packer frame;
    frame.add(position);
    frame.add(image.width);
    frame.add(image.height);
    tell(Word::kFrame, frame.take());
    if (!is_answered(Word::kNext)) throw EnoughFrames();
  }

  // False for kStop. The parent says nothing else.
  static bool is_answered(Word expected) {
    const auto reply = receive_message(kWorkerSocket);
    if (!reply || (reply->word != expected && reply->word != Word::kStop)) throw Abandoned();
    return reply->word == expected;
  }

  static void tell(Word word, std::string body = {}) {
    if (!send_message(kWorkerSocket, {word, std::move(body)})) throw Abandoned();
  }

  std::unique_ptr<FileReader> file_;
  SharedMemory memory_{kWorkerMemory};
  std::size_t memory_bytes_ = 0;
};

}  // namespace

int serve_decoding() {
  quiet_libav();
  try {
    return Server().serve();
  } catch (const Abandoned&) {
    return 0;
  }
}

}  // namespace glint::media
