#include <cstring>

#include "media/file_reader.h"
#include "media/worker_process.h"

namespace glint::media {

namespace {

constexpr double kGraceSeconds = 1;  // the worker finds out itself that its time is over, mostly

// A file read by a worker. Whatever happens to that process is an Error here, and another one takes the next file.
class IsolatedReader final : public FileReader {
 public:
  IsolatedReader(const std::string& path, const ReaderOptions& options)
      : path_(path), options_(options), left_s_(options.timeout_s + kGraceSeconds), worker_(take_worker()) {
    Packer request;
    request.add(path);
    request.add(options);
    send(Word::kOpen, request.take());
    const auto opened = receive(Word::kOpened);
    Unpacker reply(opened);
    reply.get(info_.width), reply.get(info_.height);
    reply.get(info_.average_fps), reply.get(info_.duration_s);
    reply.get(info_.rotation), reply.get(info_.sample_aspect);
    reply.get(info_.codec), reply.get(info_.container);
    reply.get(times_s_);
    reply.get(spent_);
  }

  ~IsolatedReader() override {
    if (worker_ && is_between_calls_ && send_message(worker_->socket(), {Word::kClose})) {
      give_back_worker(std::move(worker_));
    }
  }

  const VideoInfo& info() const override { return info_; }
  const std::vector<double>& times_s() const override { return times_s_; }
  std::int64_t lost_frames() const override { return lost_; }
  const ReadingTime& time_spent() const override { return spent_; }

  void read(const std::vector<std::int64_t>& frames, const VideoReader::Sink& sink) override {
    if (!worker_) throw Error(path_, ": the process that decoded it is gone");
    is_between_calls_ = false;
    Packer request;
    request.add(frames);
    send(Word::kRead, request.take());
    for (std::size_t expected = 0; expected < frames.size(); ++expected) {
      const Image& image = receive_frame(expected);
      try {
        sink(expected, image);
      } catch (...) {  // reading may go on later
        send(Word::kStop);
        finish_call();
        throw;
      }
      send(Word::kNext);
    }
    finish_call();
  }

 private:
  void send(Word word, std::string body = {}) {
    if (!send_message(worker_->socket(), {word, std::move(body)})) fail();
  }

  void finish_call() {
    const auto done = receive(Word::kDone);
    Unpacker reply(done);
    reply.get(lost_);
    reply.get(spent_);
    is_between_calls_ = true;
  }

  // The body of the reply, which must be `expected` or tell of a failure.
  std::string receive(Word expected) {
    const double start_s = monotonic_s();
    auto reply = receive_message(worker_->socket(), start_s + left_s_);
    left_s_ -= monotonic_s() - start_s;
    if (!reply) fail();
    if (reply->word == expected) return std::move(reply->body);
    if (reply->word == Word::kOutOfMemory) {
      worker_.reset();
      throw Error(path_, ": decoding it takes more memory than the ", options_.max_isolated_bytes >> 20,
                  " MiB that one file may have (video.isolate_mb)");
    }
    is_between_calls_ = true;  // it waits for the next request
    if (reply->word == Word::kFailed) throw Error(reply->body);
    throw Bug("decoding ", path_, " in a process of its own: ", reply->body);
  }

  [[noreturn]] void fail() {
    const bool is_late = left_s_ <= 0;
    const std::string end = worker_->finish();
    worker_.reset();
    if (is_late) {
      throw Error(path_, ": reading took longer than ", options_.timeout_s,
                  " s; the process that decoded it was ended by ", end);
    }
    throw Error(path_, ": the process that decoded it was ended by ", end, "; the file may be damaged");
  }

  const Image& receive_frame(std::size_t expected) {
    const auto body = receive(Word::kFrame);
    Unpacker frame(body);
    std::size_t position = 0;
    int width = 0, height = 0;
    frame.get(position);
    frame.get(width);
    frame.get(height);
    const bool fits = width > 0 && height > 0 && static_cast<std::int64_t>(width) * height <= options_.max_pixels;
    GLINT_CHECK(position == expected && fits, "frame ", position, " of ", width, "x", height, " where ", expected,
                " was expected");
    if (image_.width != width || image_.height != height) image_ = Image(width, height);
    std::memcpy(image_.rgb.data(), worker_->memory().map(image_.rgb.size(), /*grow=*/false), image_.rgb.size());
    return image_;
  }

  std::string path_;
  ReaderOptions options_;
  double left_s_;  // of waiting for the worker
  std::unique_ptr<WorkerProcess> worker_;
  bool is_between_calls_ = true;
  VideoInfo info_;
  std::vector<double> times_s_;
  std::int64_t lost_ = 0;
  ReadingTime spent_;
  Image image_;
};

}  // namespace

std::unique_ptr<FileReader> open_isolated(const std::string& path, const ReaderOptions& options) {
  return std::make_unique<IsolatedReader>(path, options);
}

}  // namespace glint::media
