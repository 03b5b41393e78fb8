#include "glint/media/video_reader.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "media/frame_decoder.h"
#include "media/frame_index.h"
#include "media/packet_source.h"
#include "media/rgb_converter.h"
#include "media/time_budget.h"

namespace glint {

using namespace media;

namespace {

// Pictures that nothing refers to may be left out on the way without touching the others. Not so in HEVC with temporal
// layers, where "not referred to" holds inside a layer only; the header (hvcC) says how many there are.
bool may_skip_unreferenced(const AVCodecParameters& parameters) {
  if (parameters.codec_id != AV_CODEC_ID_HEVC) return true;
  constexpr int kLayersByte = 21;
  if (parameters.extradata_size <= kLayersByte || parameters.extradata[0] != 1) return false;
  return ((parameters.extradata[kLayersByte] >> 3) & 7) == 1;
}

VideoInfo describe(const StreamFacts& facts, const FrameIndex& index, int rotation) {
  VideoInfo info;
  info.width = facts.parameters->width;
  info.height = facts.parameters->height;
  info.average_fps = facts.average_fps.den > 0 ? av_q2d(facts.average_fps) : 0;
  info.duration_s = index.times_s.back() - index.times_s.front() + index.last_duration_s;
  info.rotation = facts.rotation;
  const bool has_aspect = facts.sample_aspect.num > 0 && facts.sample_aspect.den > 0;
  info.sample_aspect = has_aspect ? av_q2d(facts.sample_aspect) : 1;
  if (rotation % 180 != 0) {
    std::swap(info.width, info.height);
    info.sample_aspect = 1 / info.sample_aspect;
  }
  info.codec = avcodec_get_name(facts.parameters->codec_id);
  info.container = facts.container;
  return info;
}

}  // namespace

struct VideoReader::Impl {
  using Clock = std::chrono::steady_clock;

  Impl(const std::string& name, const ReaderOptions& settings)
      : path(name),
        options(settings),
        budget(name, settings.timeout_s),
        source(name, settings, budget),
        opened(Clock::now()),
        index(index_frames(source, settings, name, settings.exact_times)),
        rotation(settings.apply_rotation ? source.facts().rotation : 0),
        converter(name, rotation),
        skip(index.can_skip && may_skip_unreferenced(*source.facts().parameters) ? AVDISCARD_NONREF
                                                                                 : AVDISCARD_DEFAULT),
        info(describe(source.facts(), index, rotation)) {
    budget.pause();
    spent.open_s = seconds(opened - started);
    spent.index_s = seconds(Clock::now() - opened);
  }

  static double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

  // One call's work: which frames, and how many of them the sink has.
  struct Job {
    const std::vector<std::int64_t>& frames;
    const Sink& sink;
    std::size_t done = 0;
    bool is_done() const { return done == frames.size(); }
  };

  void read(const std::vector<std::int64_t>& frames, const Sink& sink);
  // Decodes each group of pictures that a wanted frame lies in, from its keyframe to the last wanted frame. Stops early
  // where a frame did not come: the file is damaged, or its keyframes are not what they claim.
  bool read_planned(Job& job);
  bool read_segment(Job& job, std::size_t end, std::int64_t first, std::int64_t last);
  // Decodes everything from the start and counts. A frame that is lost gives the one on screen at its time.
  void read_in_order(Job& job);
  // The frame to show for `frame` among those that decode; notes where it is another.
  std::int64_t decodable(std::int64_t frame, const FrameIndex& exact);
  void deliver(Job& job, const AVFrame& frame);

  std::string path;
  ReaderOptions options;
  TimeBudget budget;
  Clock::time_point started = Clock::now();
  PacketSource source;
  Clock::time_point opened;
  FrameIndex index;
  std::optional<FrameIndex> repaired;  // by decoding, once a frame was missing
  int rotation;
  RgbConverter converter;
  AVDiscard skip;
  VideoInfo info;
  std::optional<FrameDecoder> decoder;
  std::int64_t lost_frames = 0;
  ReadingTime spent;
  double in_sinks_s = 0;
};

void VideoReader::Impl::read(const std::vector<std::int64_t>& frames, const Sink& sink) {
  const TimeBudget::Running running(budget);
  const auto start = Clock::now();
  const double elsewhere_s = spent.convert_s + in_sinks_s;
  Job job{frames, sink};
  const bool is_plain = index.can_plan && !repaired;
  if (!is_plain || !read_planned(job)) read_in_order(job);
  spent.decode_s += seconds(Clock::now() - start) - (spent.convert_s + in_sinks_s - elsewhere_s);
}

bool VideoReader::Impl::read_planned(Job& job) {
  if (!decoder) decoder.emplace(source.facts(), options, path, index.reorder, FrameDecoder::Effort::kAll);
  while (!job.is_done()) {
    const std::int64_t first = index.start_packet(job.frames[job.done]);
    std::int64_t last = index.ends[job.frames[job.done]];
    std::size_t end = job.done + 1;
    while (end < job.frames.size() && index.start_packet(job.frames[end]) <= last) {
      last = std::max(last, index.ends[job.frames[end++]]);
    }
    if (!read_segment(job, end, first, last)) return false;
  }
  return true;
}

bool VideoReader::Impl::read_segment(Job& job, std::size_t end, std::int64_t first, std::int64_t last) {
  std::vector<std::int64_t> wanted;
  for (std::size_t i = job.done; i < end; ++i) wanted.push_back(index.packets[job.frames[i]]);
  std::sort(wanted.begin(), wanted.end());
  const auto take = [&](const AVFrame& frame) {
    if (job.done < end && frame.pts == index.packets[job.frames[job.done]]) deliver(job, frame);
  };
  decoder->restart();
  source.go_to(first);
  for (std::int64_t number = first; number <= last; ++number) {
    const AVPacket* packet = source.next();
    if (packet == nullptr) break;
    const bool is_wanted = std::binary_search(wanted.begin(), wanted.end(), number);
    decoder->send(*packet, number, is_wanted ? AVDISCARD_DEFAULT : skip, take);
  }
  decoder->drain(take);
  return job.done == end;
}

std::int64_t VideoReader::Impl::decodable(std::int64_t frame, const FrameIndex& exact) {
  if (index.is_exact) return frame;
  const double time_s = index.times_s[frame];
  return exact.frame_at(time_s + 1e-9 * std::max(1.0, std::abs(time_s)));
}

void VideoReader::Impl::read_in_order(Job& job) {
  if (!index.is_exact && !repaired) repaired = index_frames(source, options, path, /*exact=*/true);
  const FrameIndex& exact = index.is_exact ? index : *repaired;
  FrameDecoder in_order(source.facts(), options, path, exact.reorder, FrameDecoder::Effort::kAll);
  std::int64_t count = 0;
  const auto take = [&](const AVFrame& frame) {
    while (!job.is_done() && decodable(job.frames[job.done], exact) == count) {
      const std::int64_t asked = job.frames[job.done];
      if (std::abs(exact.times_s[count] - index.times_s[asked]) > 1e-6) ++lost_frames;
      deliver(job, frame);
    }
    ++count;
  };
  source.go_to(0);
  for (std::int64_t number = 0; !job.is_done(); ++number) {
    const AVPacket* packet = source.next();
    if (packet == nullptr) break;
    in_order.send(*packet, number, AVDISCARD_DEFAULT, take);
  }
  in_order.drain(take);
  if (!job.is_done())
    throw Error(path, ": frame ", job.frames[job.done],
                " is not there any more; did the file change while it was read?");
}

// Converts once and hands over as often as the frame is asked for in a row.
void VideoReader::Impl::deliver(Job& job, const AVFrame& frame) {
  const auto start = Clock::now();
  const Image& image = converter.convert(frame);
  const auto converted = Clock::now();
  spent.convert_s += seconds(converted - start);
  const std::int64_t number = job.frames[job.done];
  while (!job.is_done() && job.frames[job.done] == number) job.sink(job.done++, image);
  in_sinks_s += seconds(Clock::now() - converted);
}

VideoReader::VideoReader(const std::string& path, const ReaderOptions& options) {
  quiet_libav();
  impl_ = std::make_unique<Impl>(path, options);
}
VideoReader::~VideoReader() = default;
VideoReader::VideoReader(VideoReader&&) noexcept = default;
VideoReader& VideoReader::operator=(VideoReader&&) noexcept = default;

const VideoInfo& VideoReader::info() const {
  return impl_->info;
}

const std::vector<double>& VideoReader::frame_times() const {
  return impl_->index.times_s;
}

std::int64_t VideoReader::frame_at(double time_s) const {
  return impl_->index.frame_at(time_s);
}

std::int64_t VideoReader::lost_frames() const {
  return impl_->lost_frames;
}

const ReadingTime& VideoReader::time_spent() const {
  return impl_->spent;
}

void VideoReader::read_frames(const std::vector<std::int64_t>& frames, const Sink& sink) {
  GLINT_CHECK(std::is_sorted(frames.begin(), frames.end()), "frame numbers must ascend");
  if (frames.empty()) return;
  GLINT_CHECK(frames.front() >= 0 && frames.back() < impl_->index.size(), "frames ", frames.front(), " to ",
              frames.back(), " of ", impl_->index.size());
  impl_->read(frames, sink);
}

}  // namespace glint
