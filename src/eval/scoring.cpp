#include "eval/scoring.h"

#include <fcntl.h>
#include <torch/torch.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "eval/gathered.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/log.h"
#include "glint/core/progress.h"
#include "glint/core/stop_signal.h"
#include "glint/eval/similarity.h"
#include "glint/io/file_tensor.h"
#include "glint/io/safetensors.h"

namespace glint {
namespace {

namespace fs = std::filesystem;
using ScoringClock = std::chrono::steady_clock;

constexpr int64_t kInMemory = int64_t{256} << 20;  // bytes of scores
constexpr int64_t kTextsAtOnce = 1024;             // whose features are in memory, of a process

double seconds_since(ScoringClock::time_point start) {
  return std::chrono::duration<double>(ScoringClock::now() - start).count();
}

}  // namespace

class ScoreWriter::Target {
 public:
  virtual ~Target() = default;
  virtual void append(const torch::Tensor& rows, int64_t first) = 0;
  virtual Scores finish() = 0;
};

namespace {

// What a writer's targets derive from.
template <class Base>
class ScoresInMemory final : public Base {
 public:
  ScoresInMemory(int64_t texts, int64_t videos) : scores_(torch::empty({texts, videos}, torch::kFloat32)) {}
  void append(const torch::Tensor& rows, int64_t first) override { scores_.narrow(0, first, rows.size(0)).copy_(rows); }
  Scores finish() override { return scores_; }

 private:
  torch::Tensor scores_;
};

// A file that has no name any more: it goes with the process, however that ends.
template <class Base>
class ScoresInNamelessFile final : public Base {
 public:
  ScoresInNamelessFile(int64_t texts, int64_t videos) : sizes_{texts, videos} {
    auto name = (files::temporary_folder() / "glint_scores_XXXXXX").string();
    descriptor_ = ::mkostemp(name.data(), O_CLOEXEC);
    path_ = name;
    if (descriptor_ < 0) fail("cannot be made");
    const auto bytes = static_cast<off_t>(texts * videos * static_cast<int64_t>(sizeof(float)));
    errno = ::posix_fallocate(descriptor_, 0, bytes);
    if (errno != 0) {
      const int cause = errno;
      ::unlink(path_.c_str());
      ::close(descriptor_);
      errno = cause;
      fail(concat("has no room for ", bytes >> 20, " MB of scores"));
    }
    file_ = std::make_shared<const MappedFile>(path_);
    ::unlink(path_.c_str());
  }
  ~ScoresInNamelessFile() override { ::close(descriptor_); }

  void append(const torch::Tensor& rows, int64_t first) override {
    const auto plain = rows.to(torch::kCPU, torch::kFloat32).contiguous();
    const char* from = static_cast<const char*>(plain.const_data_ptr());
    auto left = static_cast<std::size_t>(plain.nbytes());
    auto at = static_cast<off_t>(first * sizes_[1] * static_cast<int64_t>(sizeof(float)));
    while (left > 0) {
      const auto written = ::pwrite(descriptor_, from, left, at);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) fail("cannot be written");
      from += written;
      at += written;
      left -= static_cast<std::size_t>(written);
    }
  }
  Scores finish() override { return FileTensor(file_, 0, sizes_, torch::kFloat32); }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(path_.string(), ": ", what, ": ", std::strerror(errno),
                "; set TMPDIR to a folder with room, or keep the scores in a file of your own (--scores)");
  }

  std::vector<int64_t> sizes_;
  fs::path path_;
  int descriptor_ = -1;
  std::shared_ptr<const MappedFile> file_;
};

template <class Base>
class ScoresInNamedFile final : public Base {
 public:
  ScoresInNamedFile(int64_t texts, int64_t videos, const fs::path& path,
                    const std::map<std::string, std::string>& metadata)
      : path_(path), file_(path, {{"scores", torch::empty({1, 1}).expand({texts, videos})}}, metadata) {}
  void append(const torch::Tensor& rows, int64_t) override { file_.write(rows.to(torch::kFloat32)); }
  Scores finish() override {
    file_.commit();
    return open_safetensors(path_).tensors.at("scores");
  }

 private:
  fs::path path_;
  SafetensorsWriter file_;
};

}  // namespace

ScoreWriter::ScoreWriter(int64_t texts, int64_t videos, const fs::path& file,
                         const std::map<std::string, std::string>& metadata)
    : texts_(texts), videos_(videos) {
  const auto bytes = texts * videos * static_cast<int64_t>(sizeof(float));
  if (!file.empty()) {
    target_ = std::make_unique<ScoresInNamedFile<Target>>(texts, videos, file, metadata);
  } else if (bytes > kInMemory) {
    target_ = std::make_unique<ScoresInNamelessFile<Target>>(texts, videos);
  } else {
    target_ = std::make_unique<ScoresInMemory<Target>>(texts, videos);
  }
}

ScoreWriter::~ScoreWriter() = default;

void ScoreWriter::append(const torch::Tensor& rows) {
  GLINT_CHECK(rows.size(1) == videos_ && rows_ + rows.size(0) <= texts_, rows.sizes(), " after ", rows_, " of ", texts_,
              " x ", videos_);
  target_->append(rows, rows_);
  rows_ += rows.size(0);
}

Scores ScoreWriter::finish() {
  GLINT_CHECK(rows_ == texts_, rows_, " of ", texts_, " rows of scores");
  return target_->finish();
}

ScoringTime score_texts(RetrievalHead& head, FeatureSource& source, const std::vector<ScoredVideos>& matrices,
                        int64_t block, Communicator& peers) {
  ScoringTime time;
  const auto count = std::ssize(source.set().queries);
  const auto stripe = kTextsAtOnce * peers.ranks();
  Progress progress("score texts", count, "texts");
  for (int64_t begin = 0; begin < count; begin += stripe) {
    if (stop_requested() != 0) throw Stopped(stop_requested());
    const auto rows = std::min(stripe, count - begin);
    const auto [first, last] = share_of(rows, peers.rank(), peers.ranks());
    const auto encode_start = ScoringClock::now();
    const auto texts = source.texts(begin + first, begin + last);
    time.encode_s += seconds_since(encode_start);
    const auto score_start = ScoringClock::now();
    for (const auto& matrix : matrices) {
      const auto own = similarity_matrix(head, texts, matrix.videos, block);
      const auto all = gather_uneven(peers, own, shares_of(rows, peers.ranks()));
      if (matrix.writer != nullptr) matrix.writer->append(all);
    }
    time.score_s += seconds_since(score_start);
    progress.update(begin + rows);
  }
  return time;
}

std::map<std::string, std::string> score_metadata(const EvaluatedSet& set) {
  return {{"format", "glint scores"}, {"version", "1"}, {"set", to_json(set)}};
}

}  // namespace glint
