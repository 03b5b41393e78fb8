#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "media/file_reader.h"
#include "media/frame_decoder.h"
#include "media/frame_index.h"
#include "media/packet_source.h"
#include "media/rgb_converter.h"
#include "media/time_budget.h"

namespace glint::media {

namespace {

// Pictures that nothing refers to may be left out on the way without touching the others. Not so in HEVC with temporal
// layers, where "not referred to" holds inside a layer only; the header (hvcC) says how many there are.
bool may_skip_unreferenced(const AVCodecParameters& parameters) {
  if (parameters.codec_id != AV_CODEC_ID_HEVC) return true;
  constexpr int kLayersByte = 21;
  if (parameters.extradata_size <= kLayersByte || parameters.extradata[0] != 1) return false;
  return ((parameters.extradata[kLayersByte] >> 3) & 7) == 1;
}

VideoInfo describe(const StreamFacts& facts, const FrameIndex& index, bool is_sideways) {
  VideoInfo info;
  info.width = facts.parameters->width;
  info.height = facts.parameters->height;
  info.average_fps = facts.average_fps.den > 0 ? av_q2d(facts.average_fps) : 0;
  info.duration_s = index.times_s.back() - index.times_s.front() + index.last_duration_s;
  info.rotation = facts.orientation.clockwise;
  info.mirrored = facts.orientation.is_mirrored;
  const bool has_aspect = facts.sample_aspect.num > 0 && facts.sample_aspect.den > 0;
  info.sample_aspect = has_aspect ? av_q2d(facts.sample_aspect) : 1;
  if (is_sideways) {
    std::swap(info.width, info.height);
    info.sample_aspect = 1 / info.sample_aspect;
  }
  info.codec = avcodec_get_name(facts.parameters->codec_id);
  info.container = facts.container;
  return info;
}

class LocalReader final : public FileReader {
 public:
  LocalReader(VideoFile opened, const ReaderOptions& settings)
      : file_(std::move(opened)),
        path_(file_.path()),
        options_(settings),
        budget_(path_, settings.timeout_s),
        source_(file_, settings, budget_),
        opened_(Clock::now()),
        index_(index_frames(source_, settings, path_, settings.exact_times)),
        orientation_(settings.apply_rotation ? source_.facts().orientation : Orientation{}),
        converter_(path_, orientation_),
        skip_(index_.can_skip && may_skip_unreferenced(*source_.facts().parameters) ? AVDISCARD_NONREF
                                                                                    : AVDISCARD_DEFAULT),
        description_(describe(source_.facts(), index_, orientation_.is_sideways())) {
    budget_.pause();
    spent_.open_s = seconds(opened_ - started_);
    spent_.index_s = seconds(Clock::now() - opened_);
  }

  const VideoInfo& info() const override { return description_; }
  const std::vector<double>& times_s() const override { return index_.times_s; }
  void read(const std::vector<std::int64_t>& frames, const VideoReader::Sink& sink) override;
  std::int64_t lost_frames() const override { return lost_; }
  const ReadingTime& time_spent() const override { return spent_; }

 private:
  using Clock = std::chrono::steady_clock;
  static double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

  // One call's work: which frames, and how many of them the sink has.
  struct Job {
    const std::vector<std::int64_t>& frames;
    const VideoReader::Sink& sink;
    std::size_t done = 0;
    bool is_done() const { return done == frames.size(); }
  };

  // Decodes each group of pictures that a wanted frame lies in, from its keyframe to the last wanted frame. Stops early
  // where a frame did not come: the file is damaged, or its keyframes are not what they claim.
  bool read_planned(Job& job);
  bool read_segment(Job& job, std::size_t end, std::int64_t first, std::int64_t last);
  // Decodes everything from the start and counts. A frame that is lost_ gives the one on screen at its time.
  void read_in_order(Job& job);
  // The frame to show for `frame` among those that decode; notes where it is another.
  std::int64_t decodable(std::int64_t frame, const FrameIndex& exact);
  void deliver(Job& job, const AVFrame& frame);

  VideoFile file_;
  std::string path_;
  ReaderOptions options_;
  TimeBudget budget_;
  Clock::time_point started_ = Clock::now();
  PacketSource source_;
  Clock::time_point opened_;
  FrameIndex index_;
  std::optional<FrameIndex> repaired_;  // by decoding, once a frame was missing
  Orientation orientation_;
  RgbConverter converter_;
  AVDiscard skip_;
  VideoInfo description_;
  std::optional<FrameDecoder> decoder_;
  std::int64_t lost_ = 0;
  ReadingTime spent_;
  double in_sinks_s_ = 0;
};

void LocalReader::read(const std::vector<std::int64_t>& frames, const VideoReader::Sink& sink) {
  const TimeBudget::Running running(budget_);
  const auto start = Clock::now();
  const double elsewhere_s = spent_.convert_s + in_sinks_s_;
  Job job{frames, sink};
  const bool is_plain = index_.can_plan && !repaired_;
  if (!is_plain || !read_planned(job)) read_in_order(job);
  spent_.decode_s += seconds(Clock::now() - start) - (spent_.convert_s + in_sinks_s_ - elsewhere_s);
}

bool LocalReader::read_planned(Job& job) {
  if (!decoder_) decoder_.emplace(source_.facts(), options_, path_, index_.reorder, FrameDecoder::Effort::kAll);
  while (!job.is_done()) {
    const std::int64_t first = index_.start_packet(job.frames[job.done]);
    std::int64_t last = index_.ends[job.frames[job.done]];
    std::size_t end = job.done + 1;
    while (end < job.frames.size() && index_.start_packet(job.frames[end]) <= last) {
      last = std::max(last, index_.ends[job.frames[end++]]);
    }
    if (!read_segment(job, end, first, last)) return false;
  }
  return true;
}

bool LocalReader::read_segment(Job& job, std::size_t end, std::int64_t first, std::int64_t last) {
  std::vector<std::int64_t> wanted;
  for (std::size_t i = job.done; i < end; ++i) wanted.push_back(index_.packets[job.frames[i]]);
  std::sort(wanted.begin(), wanted.end());
  const auto take = [&](const AVFrame& frame) {
    if (job.done < end && frame.pts == index_.packets[job.frames[job.done]]) deliver(job, frame);
  };
  decoder_->restart();
  source_.go_to(first);
  for (std::int64_t number = first; number <= last; ++number) {
    const AVPacket* packet = source_.next();
    if (packet == nullptr) break;
    const bool is_wanted = std::binary_search(wanted.begin(), wanted.end(), number);
    decoder_->send(*packet, number, is_wanted ? AVDISCARD_DEFAULT : skip_, take);
  }
  decoder_->drain(take);
  return job.done == end;
}

std::int64_t LocalReader::decodable(std::int64_t frame, const FrameIndex& exact) {
  if (index_.is_exact) return frame;
  const double time_s = index_.times_s[frame];
  return exact.frame_at(time_s + 1e-9 * std::max(1.0, std::abs(time_s)));
}

void LocalReader::read_in_order(Job& job) {
  if (!index_.is_exact && !repaired_) repaired_ = index_frames(source_, options_, path_, /*exact=*/true);
  const FrameIndex& exact = index_.is_exact ? index_ : *repaired_;
  FrameDecoder in_order(source_.facts(), options_, path_, exact.reorder, FrameDecoder::Effort::kAll);
  std::int64_t count = 0;
  const auto take = [&](const AVFrame& frame) {
    while (!job.is_done() && decodable(job.frames[job.done], exact) == count) {
      const std::int64_t asked = job.frames[job.done];
      if (std::abs(exact.times_s[count] - index_.times_s[asked]) > 1e-6) ++lost_;
      deliver(job, frame);
    }
    ++count;
  };
  source_.go_to(0);
  for (std::int64_t number = 0; !job.is_done(); ++number) {
    const AVPacket* packet = source_.next();
    if (packet == nullptr) break;
    in_order.send(*packet, number, AVDISCARD_DEFAULT, take);
  }
  in_order.drain(take);
  if (!job.is_done())
    throw BadFile(path_, ": frame ", job.frames[job.done],
                  " is not there any more; did the file change while it was read?");
}

// Converts once and hands over as often as the frame is asked for in a row.
void LocalReader::deliver(Job& job, const AVFrame& frame) {
  const auto start = Clock::now();
  const Image& image = converter_.convert(frame);
  const auto converted = Clock::now();
  spent_.convert_s += seconds(converted - start);
  const std::int64_t number = job.frames[job.done];
  while (!job.is_done() && job.frames[job.done] == number) job.sink(job.done++, image);
  in_sinks_s_ += seconds(Clock::now() - converted);
}

}  // namespace

std::unique_ptr<FileReader> open_here(VideoFile file, const ReaderOptions& options) {
  return std::make_unique<LocalReader>(std::move(file), options);
}

}  // namespace glint::media
