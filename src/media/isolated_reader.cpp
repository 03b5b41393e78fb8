#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <cstring>

#include "glint/core/stop_signal.h"
#include "media/file_reader.h"
#include "media/time_budget.h"
#include "media/worker_process.h"

namespace glint::media {

namespace {

constexpr double kGraceSeconds = 1;  // the worker finds out itself that its time is over, mostly

// A worker for one file. It goes back to the others where it waits for a request, and is ended elsewhere.
class BorrowedWorker {
 public:
  BorrowedWorker() : process_(take_worker()) {}
  ~BorrowedWorker() {
    if (process_ && is_waiting && send_message(process_->socket(), {Word::kClose})) {
      give_back_worker(std::move(process_));
    }
  }
  BorrowedWorker(const BorrowedWorker&) = delete;
  BorrowedWorker& operator=(const BorrowedWorker&) = delete;

  explicit operator bool() const { return process_ != nullptr; }
  WorkerProcess* operator->() const { return process_.get(); }
  ProcessEnd end() {
    const auto how = process_->finish();
    process_.reset();
    return how;
  }

  bool is_waiting = true;  // for a request

 private:
  std::unique_ptr<WorkerProcess> process_;
};

// A file read by a worker. Whatever happens to that process fails as Note [failures] has it, and another one takes the
// next file.
class IsolatedReader final : public FileReader {
 public:
  IsolatedReader(VideoFile file, const ReaderOptions& options) : path_(file.path()), options_(options) {
    worker_->limit(options.max_isolated_bytes, options.timeout_s + 2 * kGraceSeconds);
    begin_call();
    Packer request;
    request.add(path_);
    request.add(options);
    send(Word::kOpen, request.take());
    if (!send_descriptor(worker_->socket(), file.descriptor())) fail();
    take_facts(receive(Word::kOpened));
    worker_.is_waiting = true;
  }

  const VideoInfo& info() const override { return info_; }
  const std::vector<double>& times_s() const override { return times_s_; }
  std::int64_t lost_frames() const override { return lost_; }
  const ReadingTime& time_spent() const override { return spent_; }

  void read(const std::vector<std::int64_t>& frames, const VideoReader::Sink& sink) override {
    if (!worker_) throw BadFile(path_, ": the process that decoded it is gone");
    begin_call();
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
      resume();
      send(Word::kNext);
    }
    finish_call();
  }

 private:
  void send(Word word, std::string body = {}) {
    if (!send_message(worker_->socket(), {word, std::move(body)})) fail();
  }

  // From here on the worker does not wait for a request.
  void begin_call() {
    worker_.is_waiting = false;
    resume();
  }

  void finish_call() {
    const auto done = receive(Word::kDone);
    read_body(done, [&](Unpacker& reply) {
      reply.get(lost_);
      reply.get(spent_);
    });
    worker_.is_waiting = true;
  }

  // The body of the reply, which must be `expected` or tell of a failure.
  std::string receive(Word expected) {
    while (true) {
      auto reply = receive_message(worker_->socket(), [this] { return goes_on(); });
      if (!reply) fail();
      if (reply->word == expected) return std::move(reply->body);
      if (reply->word == Word::kGrow) {
        grow(reply->body);
        continue;
      }
      throw_failure(*reply);
    }
  }

  void grow(const std::string& body) {
    std::size_t bytes = 0;
    read_body(body, [&](Unpacker& wish) { wish.get(bytes); });
    if (bytes > static_cast<std::size_t>(options_.max_pixels) * 3) refuse_nonsense();
    worker_->memory().grow(bytes);
    send(Word::kGrown);
  }

  [[noreturn]] void throw_failure(const Message& reply) {
    if (reply.word == Word::kOutOfMemory) {
      worker_.end();
      const auto needs = concat(path_, ": decoding it takes more memory than ");
      if (is_memory_short()) throw NotNow(needs, "the machine lets one process have (ulimit -v, ulimit -d)");
      throw BadFile(needs, "the ", options_.max_isolated_bytes >> 20, " MiB that one file may have (video.isolate_mb)");
    }
    worker_.is_waiting = true;
    if (reply.word == Word::kBadFile) throw BadFile(reply.body);
    if (reply.word == Word::kNotNow) throw NotNow(reply.body);
    if (reply.word == Word::kFailed) throw Error(reply.body);
    if (reply.word == Word::kBug) throw Bug("decoding ", path_, " in a process of its own: ", reply.body);
    refuse_nonsense();
  }

  // Whether this process has less memory than a file may have: then a file that got none is not to blame.
  bool is_memory_short() const {
    for (const auto resource : {RLIMIT_AS, RLIMIT_DATA}) {
      rlimit limit{};
      const bool is_limited = getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
      if (is_limited && limit.rlim_cur < static_cast<rlim_t>(options_.max_isolated_bytes)) return true;
    }
    return false;
  }

  // A worker that a file has taken over may say anything.
  [[noreturn]] void refuse_nonsense() {
    worker_.end();
    throw BadFile(path_, ": the process that decoded it sent what no decoder sends; the file may be an attack");
  }

  template <class Take>
  void read_body(const std::string& body, const Take& take) {
    try {
      Unpacker unpacker(body);
      take(unpacker);
    } catch (const Bug&) {
      refuse_nonsense();
    }
  }

  void take_facts(const std::string& body) {
    int mirrored = 0;
    read_body(body, [&](Unpacker& reply) {
      reply.get(info_.width), reply.get(info_.height);
      reply.get(info_.average_fps), reply.get(info_.duration_s);
      reply.get(info_.rotation), reply.get(mirrored), reply.get(info_.sample_aspect);
      reply.get(info_.codec), reply.get(info_.container);
      reply.get(times_s_);
      reply.get(spent_);
    });
    info_.mirrored = mirrored != 0;
    bool is_sound = !times_s_.empty() && std::isfinite(times_s_.front()) && std::isfinite(times_s_.back());
    for (std::size_t i = 1; i < times_s_.size(); ++i) is_sound = is_sound && times_s_[i] > times_s_[i - 1];
    if (!is_sound) refuse_nonsense();
  }

  // Waiting for the worker begins, or begins again after this process was busy itself.
  void resume() {
    wall_s_ = monotonic_s();
    worker_s_ = worker_->computed_s();
  }

  bool goes_on() {
    if (stop_requested() != 0) throw Stopped(stop_requested());
    const double wall_s = monotonic_s(), worker_s = worker_->computed_s();
    computed_s_ += worker_s - worker_s_;
    waited_.add((wall_s - wall_s_) - (worker_s - worker_s_));
    wall_s_ = wall_s;
    worker_s_ = worker_s;
    return !is_late() && !is_kept_waiting();
  }
  bool is_late() const { return computed_s_ > options_.timeout_s + kGraceSeconds; }
  bool is_kept_waiting() const { return waited_.seconds() > kWaitingShare * options_.timeout_s + kGraceSeconds; }

  // The worker is gone, or its time over.
  [[noreturn]] void fail() {
    const bool was_late = is_late(), was_kept_waiting = is_kept_waiting();
    const auto end = worker_.end();
    if (was_late || (end.is_signal && end.number == SIGXCPU)) {
      throw BadFile(path_, ": decoding took longer than ", options_.timeout_s,
                    " s of computing (video.timeout_s); the process that decoded it was ended");
    }
    if (was_kept_waiting) {
      throw NotNow(path_, ": the process that decodes it did not get on for ", kWaitingShare * options_.timeout_s,
                   " s; it was ended. Does the storage answer, and is the machine free enough?");
    }
    if (end.is_signal && end.number == SIGKILL) {
      throw NotNow(path_, ": the process that decoded it was ended by ", end.text(),
                   ", from outside; the machine may be short of memory");
    }
    throw BadFile(path_, ": the process that decoded it was ended by ", end.text(), "; the file may be damaged");
  }

  const Image& receive_frame(std::size_t expected) {
    const auto body = receive(Word::kFrame);
    std::size_t position = 0;
    int width = 0, height = 0;
    read_body(body, [&](Unpacker& frame) {
      frame.get(position);
      frame.get(width);
      frame.get(height);
    });
    const bool fits = width > 0 && height > 0 && static_cast<std::int64_t>(width) * height <= options_.max_pixels &&
                      static_cast<std::size_t>(width) * height * 3 <= worker_->memory().size();
    if (position != expected || !fits) refuse_nonsense();
    if (image_.width != width || image_.height != height) image_ = Image(width, height);
    std::memcpy(image_.rgb.data(), worker_->memory().map(image_.rgb.size()), image_.rgb.size());
    return image_;
  }

  std::string path_;
  ReaderOptions options_;
  BorrowedWorker worker_;
  double computed_s_ = 0;  // by the worker in the calls so far
  WaitingTime waited_;
  double wall_s_ = 0, worker_s_ = 0;  // the clocks at the last look
  VideoInfo info_;
  std::vector<double> times_s_;
  std::int64_t lost_ = 0;
  ReadingTime spent_;
  Image image_;
};

}  // namespace

std::unique_ptr<FileReader> open_isolated(VideoFile file, const ReaderOptions& options) {
  return std::make_unique<IsolatedReader>(std::move(file), options);
}

}  // namespace glint::media
