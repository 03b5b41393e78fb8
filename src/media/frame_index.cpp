#include "media/frame_index.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <optional>

#include "media/clock_watch.h"
#include "media/h264_units.h"

namespace glint::media {

namespace {

struct PacketEntry {
  std::int64_t pts;
  std::int64_t dts;
  std::int64_t duration;
  bool is_key;
  bool is_shown;       // gives a frame: inside the edit list, no hidden reference picture
  bool is_repetition;  // by libav's word, which a new clock belies: is_fragmented()
};

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// VP8 and VP9 may store a picture that is only referred to in a packet of its own; the first bits of its header say so.
// (VP9 mostly joins it with a shown one in a superframe, whose last byte is a marker 110xxxxx.)
bool is_hidden_picture(AVCodecID codec, const AVPacket& packet) {
  if (packet.size < 1) return false;
  const unsigned first = packet.data[0];
  if (codec == AV_CODEC_ID_VP8) return (first & 0x10) == 0;
  if (codec != AV_CODEC_ID_VP9 || (first >> 6) != 2) return false;
  if ((packet.data[packet.size - 1] & 0xe0) == 0xc0) return false;
  const bool is_profile_3 = (first & 0x30) == 0x30;
  const unsigned bits = is_profile_3 ? first << 1 : first;  // profile 3 has a reserved bit more
  const bool shows_existing = (bits & 0x08) != 0;
  return !shows_existing && (bits & 0x02) == 0;
}

std::vector<PacketEntry> list_packets(PacketSource& source, const ReaderOptions& options, const std::string& path) {
  std::vector<PacketEntry> packets;
  const AVCodecID codec = source.facts().parameters->codec_id;
  const int length_bytes = h264_length_bytes(*source.facts().parameters);
  while (const AVPacket* packet = source.next()) {
    if (static_cast<std::int64_t>(packets.size()) >= options.max_frames) {
      throw BadFile(path, ": holds more than ", options.max_frames, " frames, which is the most that is read");
    }
    const bool is_discarded = (packet->flags & AV_PKT_FLAG_DISCARD) != 0;
    const bool is_hidden = is_hidden_picture(codec, *packet);
    const bool is_key = (packet->flags & AV_PKT_FLAG_KEY) != 0 &&
                        !(codec == AV_CODEC_ID_H264 && refreshes_gradually(*packet, length_bytes));
    packets.push_back({packet->pts, packet->dts, packet->duration, is_key, !is_discarded && !is_hidden,
                       is_discarded && !is_hidden && source.facts().is_fragmented});
  }
  if (packets.empty()) throw BadFile(path, ": its video stream holds no data; the file is cut off or a header alone");
  return packets;
}

// Makes one clock of several: Note [new clocks].
class OneClock {
 public:
  explicit OneClock(std::vector<PacketEntry>& packets) : packets_(packets) {}

  // -> the first packet that was taken for a repetition and is none.
  std::optional<std::int64_t> make() {
    std::optional<std::int64_t> first_new;
    for (std::size_t i = 0; i < packets_.size(); ++i) {
      auto& packet = packets_[i];
      if (first_new && packet.is_repetition) packet.is_shown = true;
      if ((packet.is_shown || packet.is_repetition) && packet.pts != AV_NOPTS_VALUE) {
        const bool ascends = dts_ != AV_NOPTS_VALUE && packet.dts != AV_NOPTS_VALUE && packet.dts > dts_;
        if (ascends) {
          watch_.note(packet.pts);
        } else if (watch_.begins_anew(packet.pts, packet.is_key)) {
          follow_up(i);
          if (!packet.is_shown) first_new = static_cast<std::int64_t>(i);
          packet.is_shown = true;
        }
      }
      if (packet.dts != AV_NOPTS_VALUE) dts_ = packet.dts;
    }
    if (first_ > 0) follow_up(packets_.size());
    return first_new;
  }

 private:
  // The clock that began at first_ ends before `end`: sets it behind the one before it.
  void follow_up(std::size_t end) {
    std::vector<std::int64_t> times;
    for (std::size_t i = first_; i < end; ++i) {
      if (packets_[i].is_shown && packets_[i].pts != AV_NOPTS_VALUE) times.push_back(packets_[i].pts);
    }
    std::sort(times.begin(), times.end());
    const std::int64_t shift = first_ > 0 ? difference_of(next_time_, times.front()) : 0;
    for (std::size_t i = first_; i < end; ++i) {
      if (packets_[i].pts != AV_NOPTS_VALUE) packets_[i].pts = sum_of(packets_[i].pts, shift);
    }
    times.erase(std::unique(times.begin(), times.end()), times.end());
    const auto step = times.size() > 1 ? difference_of(times.back(), times[times.size() - 2]) : 1;
    next_time_ = sum_of(sum_of(times.back(), shift), step);
    first_ = end;
  }

  std::vector<PacketEntry>& packets_;
  ClockWatch watch_;
  std::int64_t dts_ = AV_NOPTS_VALUE;  // of the packet before
  std::size_t first_ = 0;              // packet of this clock
  std::int64_t next_time_ = 0;         // when the clock before it ends
};

// Containers that store whole pictures, each with its time. The others (transport and program streams, bare streams,
// MXF) are cut into packets by a parser, which may give a field or no time.
bool stores_pictures(const std::string& container) {
  for (const char* name : {"mov,", "matroska", "avi", "flv", "gif", "asf", "ogg"}) {
    if (container.compare(0, std::strlen(name), name) == 0) return true;
  }
  return false;
}

// -> packets in the order they are shown; none where they do not tell it.
std::optional<std::vector<std::int64_t>> shown_order(const std::vector<PacketEntry>& packets) {
  std::vector<std::int64_t> order;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    if (!packets[i].is_shown) continue;
    if (packets[i].pts == AV_NOPTS_VALUE) return std::nullopt;
    order.push_back(static_cast<std::int64_t>(i));
  }
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return packets[a].pts < packets[b].pts; });
  const auto same =
      std::adjacent_find(order.begin(), order.end(), [&](auto a, auto b) { return packets[a].pts == packets[b].pts; });
  if (order.empty() || same != order.end()) return std::nullopt;
  return order;
}

// Fills keys, ends and reorder from `packets`.
void link_packets(const std::vector<PacketEntry>& entries, FrameIndex& index) {
  const auto packet_count = static_cast<std::int64_t>(entries.size());
  std::vector<std::int64_t> frame_of(entries.size(), -1);
  for (std::int64_t frame = 0; frame < index.size(); ++frame) frame_of[index.packets[frame]] = frame;
  index.ends.resize(index.packets.size());
  std::int64_t next_start = packet_count;
  for (std::int64_t packet = packet_count - 1; packet >= 0; --packet) {
    if (frame_of[packet] < 0) continue;
    index.ends[frame_of[packet]] = next_start - 1;
    next_start = packet;
  }
  std::int64_t shown = 0;
  for (std::int64_t packet = 0; packet < packet_count; ++packet) {
    if (frame_of[packet] < 0) continue;
    if (entries[packet].is_key) index.keys.push_back({packet, frame_of[packet]});
    index.reorder = static_cast<int>(std::clamp<std::int64_t>(shown - frame_of[packet], index.reorder, 16));
    ++shown;
  }
}

FrameIndex index_from_packets(const std::vector<PacketEntry>& entries, std::vector<std::int64_t> order, double tick_s) {
  FrameIndex index;
  index.packets = std::move(order);
  for (const auto packet : index.packets) index.times_s.push_back(static_cast<double>(entries[packet].pts) * tick_s);
  index.last_duration_s = static_cast<double>(entries[index.packets.back()].duration) * tick_s;
  link_packets(entries, index);
  return index;
}

// The best guess of when a frame is shown: its pts, or the dts of the packet that brought it out where there is no pts
// or where the dts have ascended more faithfully so far. The same rule as libav's best-effort timestamp, which we
// cannot take because our frames carry packet numbers as pts.
class BestEffortTime {
 public:
  std::int64_t operator()(std::int64_t pts, std::int64_t dts) {
    const bool has_pts = pts != AV_NOPTS_VALUE, has_dts = dts != AV_NOPTS_VALUE;
    if (has_dts && dts <= last_dts_) ++dts_faults_;
    if (has_pts && pts <= last_pts_) ++pts_faults_;
    if (has_dts || has_pts) last_dts_ = has_dts ? dts : pts;
    if (has_dts || has_pts) last_pts_ = has_pts ? pts : dts;
    return has_pts && (pts_faults_ <= dts_faults_ || !has_dts) ? pts : dts;
  }

 private:
  std::int64_t last_pts_ = std::numeric_limits<std::int64_t>::min();
  std::int64_t last_dts_ = std::numeric_limits<std::int64_t>::min();
  std::int64_t pts_faults_ = 0;
  std::int64_t dts_faults_ = 0;
};

// Gives frames without a time, and those that do not lie after their predecessor, the time one frame after it (before
// its successor at the start of the file).
void fill_times(std::vector<double>& times, double frame_s) {
  const auto first = std::find_if(times.begin(), times.end(), [](double t) { return !std::isnan(t); });
  if (first == times.end()) times.front() = 0;
  for (auto i = (first == times.end() ? 0 : first - times.begin()) - 1; i >= 0; --i) times[i] = times[i + 1] - frame_s;
  for (std::size_t i = 1; i < times.size(); ++i) {
    if (!(times[i] > times[i - 1])) times[i] = times[i - 1] + frame_s;
  }
}

double frame_duration_s(const StreamFacts& facts, const std::vector<double>& times) {
  std::vector<double> steps;
  for (std::size_t i = 1; i < times.size(); ++i) {
    if (times[i] > times[i - 1]) steps.push_back(times[i] - times[i - 1]);
  }
  if (!steps.empty()) {
    std::nth_element(steps.begin(), steps.begin() + steps.size() / 2, steps.end());
    return steps[steps.size() / 2];
  }
  const double fps = facts.average_fps.den > 0 ? av_q2d(facts.average_fps) : 0;
  return fps > 0 ? 1 / fps : 0.04;
}

// Empty where nothing decodes.
FrameIndex index_by_decoding(PacketSource& source, const std::vector<PacketEntry>& entries, int reorder,
                             FrameDecoder::Effort effort, const ReaderOptions& options, const std::string& path) {
  FrameIndex index;
  index.is_exact = effort == FrameDecoder::Effort::kTimesOnly;
  const double tick_s = av_q2d(source.facts().time_base);
  BestEffortTime best_effort;
  const auto note = [&](const AVFrame& frame) {
    const bool is_known = frame.pts >= 0 && frame.pts < static_cast<std::int64_t>(entries.size());
    const auto time = best_effort(is_known ? entries[frame.pts].pts : AV_NOPTS_VALUE, frame.pkt_dts);
    index.times_s.push_back(time == AV_NOPTS_VALUE ? kUnknown : static_cast<double>(time) * tick_s);
    index.packets.push_back(is_known ? frame.pts : -1);
    if (index.size() > options.max_frames) {
      throw BadFile(path, ": holds more than ", options.max_frames, " frames, which is the most that is read");
    }
  };
  FrameDecoder decoder(source.facts(), options, path, reorder, effort);
  source.go_to(0);
  for (std::int64_t number = 0; const AVPacket* packet = source.next(); ++number) {
    decoder.send(*packet, number, AVDISCARD_DEFAULT, note);
  }
  decoder.drain(note);
  if (index.times_s.empty()) return index;
  fill_times(index.times_s, frame_duration_s(source.facts(), index.times_s));
  auto unique = index.packets;
  std::sort(unique.begin(), unique.end());
  index.can_plan = unique.front() >= 0 && std::adjacent_find(unique.begin(), unique.end()) == unique.end();
  // XviD packs a B picture behind the one before it in a packet, and leaves an empty packet where it is shown: leaving
  // out one would lose the other.
  const bool may_be_packed = source.facts().parameters->codec_id == AV_CODEC_ID_MPEG4;
  index.can_skip = index.packets.size() == entries.size() && !may_be_packed;
  if (index.can_plan) {
    index.last_duration_s = static_cast<double>(entries[index.packets.back()].duration) * tick_s;
    link_packets(entries, index);
  }
  return index;
}

}  // namespace

std::int64_t FrameIndex::start_packet(std::int64_t frame) const {
  auto key = std::upper_bound(keys.begin(), keys.end(), packets[frame],
                              [](std::int64_t packet, const Key& k) { return packet < k.packet; });
  while (key != keys.begin()) {
    --key;
    if (key->frame <= frame) return key->packet;
  }
  return 0;
}

std::int64_t FrameIndex::frame_at(double time_s) const {
  const auto after = std::upper_bound(times_s.begin(), times_s.end(), time_s);
  return std::max<std::int64_t>(0, after - times_s.begin() - 1);
}

FrameIndex index_frames(PacketSource& source, const ReaderOptions& options, const std::string& path, bool exact) {
  source.go_to(0);
  auto entries = list_packets(source, options, path);
  if (const auto first_new = OneClock(entries).make()) source.drop_none_from(*first_new);
  auto order = stores_pictures(source.facts().container) ? shown_order(entries) : std::nullopt;
  FrameIndex index;
  if (order) index = index_from_packets(entries, std::move(*order), av_q2d(source.facts().time_base));
  using Effort = FrameDecoder::Effort;
  if (!order && !exact) index = index_by_decoding(source, entries, 0, Effort::kHeadersOnly, options, path);
  if (exact || index.size() == 0) {
    index = index_by_decoding(source, entries, index.reorder, Effort::kTimesOnly, options, path);
  }
  if (index.size() == 0) {
    throw BadFile(path,
                  ": no frame of its video can be decoded; it is damaged, encrypted or of a kind that libav lacks");
  }
  if (index.last_duration_s <= 0) index.last_duration_s = frame_duration_s(source.facts(), index.times_s);
  return index;
}

}  // namespace glint::media
