#include "media/hostile_videos.h"

#include <algorithm>
#include <array>
#include <ostream>
#include <utility>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "media/av.h"
#include "media/marked_video.h"

extern "C" {
#include <libavcodec/bsf.h>
#include <libavutil/opt.h>
}

#ifdef __SANITIZE_ADDRESS__
// x265 3.5 leaks what its encoders allocate.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libx265";
}
#endif

namespace glint::test {

using namespace media;

namespace {

namespace fs = std::filesystem;
using Settings = std::map<std::string, std::string>;

constexpr int kWidth = 128;
constexpr int kHeight = 96;

// Noise that moves, its brightness another in each frame, so that no two look the same. It flickers, or `is_calm`.
Image moving_picture(std::int64_t number, bool is_calm = false) {
  Image image(kWidth, kHeight);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const auto column = static_cast<std::uint32_t>((x + number) / 4), line = static_cast<std::uint32_t>(y / 4);
      const std::uint32_t noise = (column * 2654435761U ^ line * 2246822519U) * 3266489917U;
      for (int channel = 0; channel < 3; ++channel) {
        const auto brightness = static_cast<std::uint32_t>(is_calm ? number : number * 37 % 61) * 2;
        image.row(y)[x * 3 + channel] = static_cast<std::uint8_t>((noise >> (8 * channel + 2) & 127) + brightness);
      }
    }
  }
  return image;
}

using Times = std::function<std::int64_t(std::int64_t number)>;

void write_moving(const fs::path& path, const std::string& codec, const Settings& encoder,
                  VideoWriterOptions options = {}, const Times& time = {}) {
  options.codec = codec;
  options.width = kWidth;
  options.height = kHeight;
  if (options.gop == VideoWriterOptions{}.gop) options.gop = 12;
  options.encoder = encoder;
  VideoWriter writer(path.string(), options);
  for (std::int64_t i = 0; i < kHostileFrames; ++i) writer.add(moving_picture(i), time ? time(i) : i);
  writer.finish();
}

const Settings kX264OpenGop = {
    {"x264-params", "open-gop=1:bframes=3:b-adapt=0:b-pyramid=normal:keyint=12:min-keyint=12:scenecut=0"}};
const Settings kX264Refresh = {{"x264-params", "intra-refresh=1:bframes=0:keyint=12"}};
const Settings kX265 = {{"preset", "ultrafast"},
                        {"x265-params",
                         "open-gop=1:bframes=4:b-adapt=0:keyint=12:min-keyint=12:scenecut=0:log-level=none:pools=none:"
                         "frame-threads=1"}};
const Settings kAom = {{"cpu-used", "8"}, {"lag-in-frames", "16"}, {"crf", "40"}};

fs::path beside(const fs::path& path, const std::string& name) {
  return path.parent_path() / name;
}

// One pass over the pictures with the statistics of the one before; -> its own. `file`: where its packets go.
std::string encode_pass(const char* codec_name, const std::string& statistics, AVFormatContext* file) {
  const AVCodec* codec = avcodec_find_encoder_by_name(codec_name);
  const auto encoder = av_owned(avcodec_alloc_context3(codec));
  encoder->width = kWidth;
  encoder->height = kHeight;
  encoder->pix_fmt = AV_PIX_FMT_YUV420P;
  encoder->time_base = {1, 25};
  encoder->bit_rate = 300'000;
  encoder->gop_size = 30;
  encoder->thread_count = 1;
  encoder->flags |= file == nullptr ? AV_CODEC_FLAG_PASS1 : AV_CODEC_FLAG_PASS2;
  std::string last_statistics = statistics;  // the encoder reads on in it
  if (file != nullptr) encoder->stats_in = last_statistics.data();
  for (const auto& [name, value] : Settings{{"auto-alt-ref", "1"}, {"lag-in-frames", "16"}, {"cpu-used", "4"}}) {
    GLINT_CHECK(av_opt_set(encoder->priv_data, name.c_str(), value.c_str(), 0) >= 0, name);
  }
  GLINT_CHECK(avcodec_open2(encoder.get(), codec, nullptr) >= 0, codec_name);
  if (file != nullptr) {
    AVStream* stream = avformat_new_stream(file, nullptr);
    avcodec_parameters_from_context(stream->codecpar, encoder.get());
    stream->time_base = encoder->time_base;
    stream->avg_frame_rate = {25, 1};
    GLINT_CHECK(avformat_write_header(file, nullptr) >= 0, codec_name);
  }
  const auto packet = av_owned(av_packet_alloc());
  const auto send = [&](const AVFrame* frame) {
    GLINT_CHECK(avcodec_send_frame(encoder.get(), frame) >= 0, codec_name);
    while (avcodec_receive_packet(encoder.get(), packet.get()) >= 0) {
      if (file == nullptr) continue;
      av_packet_rescale_ts(packet.get(), encoder->time_base, file->streams[0]->time_base);
      GLINT_CHECK(av_interleaved_write_frame(file, packet.get()) >= 0, codec_name);
    }
  };
  for (std::int64_t number = 0; number < kHostileFrames; ++number) {
    const auto frame = av_owned(av_frame_alloc());
    frame->format = encoder->pix_fmt;
    frame->width = kWidth;
    frame->height = kHeight;
    frame->pts = number;
    GLINT_CHECK(av_frame_get_buffer(frame.get(), 0) >= 0, "out of memory");
    const Image image = moving_picture(number, /*is_calm=*/true);
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) {
        frame->data[0][y * frame->linesize[0] + x] = image.row(y)[x * 3];
        frame->data[1][y / 2 * frame->linesize[1] + x / 2] = 128;
        frame->data[2][y / 2 * frame->linesize[2] + x / 2] = 128;
      }
    }
    send(frame.get());
  }
  send(nullptr);
  if (file != nullptr) encoder->stats_in = nullptr;
  return encoder->stats_out == nullptr ? "" : encoder->stats_out;
}

// libvpx hides pictures only where it has seen the whole video before.
void write_with_alt_ref(const fs::path& path, const char* codec) {
  quiet_libav();
  AVFormatContext* raw = nullptr;
  GLINT_CHECK(avformat_alloc_output_context2(&raw, nullptr, nullptr, path.c_str()) >= 0, path.string());
  const AvOutput file(raw);
  GLINT_CHECK(avio_open(&file->pb, path.c_str(), AVIO_FLAG_WRITE) >= 0, path.string());
  encode_pass(codec, encode_pass(codec, "", nullptr), raw);
  GLINT_CHECK(av_write_trailer(raw) >= 0, path.string());
}

// Hidden pictures get packets of their own.
void split_superframes(const fs::path& from, const fs::path& to) {
  const auto video = open_video(from);
  AVBSFContext* filter = nullptr;
  GLINT_CHECK(av_bsf_alloc(av_bsf_get_by_name("vp9_superframe_split"), &filter) >= 0, from.string());
  avcodec_parameters_copy(filter->par_in, video->streams[0]->codecpar);
  GLINT_CHECK(av_bsf_init(filter) >= 0, from.string());
  remux(from, to, {{"fflags", "-autobsf"}}, 0, [&](Packets& packets) {  // else the muxer joins them again
    Packets split;
    for (const auto& packet : packets) {
      GLINT_CHECK(av_bsf_send_packet(filter, packet.get()) >= 0, from.string());
      for (auto part = av_owned(av_packet_alloc()); av_bsf_receive_packet(filter, part.get()) >= 0;) {
        split.push_back(std::exchange(part, av_owned(av_packet_alloc())));
      }
    }
    packets = std::move(split);
  });
  av_bsf_free(&filter);
}

std::string bytes_of(const AVPacket& packet) {
  return {reinterpret_cast<const char*>(packet.data), static_cast<std::size_t>(packet.size)};
}

void set_bytes(AVPacket& packet, const std::string& bytes) {
  const auto pts = packet.pts, dts = packet.dts, duration = packet.duration;
  const int flags = packet.flags;
  av_packet_unref(&packet);
  GLINT_CHECK(av_new_packet(&packet, static_cast<int>(bytes.size())) >= 0, "out of memory");
  std::copy(bytes.begin(), bytes.end(), packet.data);
  packet.pts = pts;
  packet.dts = dts;
  packet.duration = duration;
  packet.flags = flags;
}

// As DivX and XviD store B-frames in AVI, which has no time but the place: the B-frame behind the P-frame that it
// refers to in that one's packet, and where it is shown a picture of six bytes that is "not coded". A line in the
// stream tells decoders. MPEG-4 at 25 frames a second, one B-frame between two others.
void pack_b_frames(const fs::path& from, const fs::path& to) {
  const std::string vop("\0\0\1\xb6", 4), tells_packing(
                                              "\0\0\1\xb2"
                                              "DivX503b1393p",
                                              17);
  const std::string not_coded = vop + "\x50\x4f";
  const auto is_b_frame = [&](const std::string& bytes) {
    return (static_cast<unsigned char>(bytes.at(bytes.find(vop) + vop.size())) >> 6) == 2;
  };
  remux(from, to, {}, 0, [&](Packets& packets) {
    for (std::size_t i = 0; i < packets.size(); ++i) {
      std::string bytes = bytes_of(*packets[i]);
      if (i == 0) {
        set_bytes(*packets[i], bytes.insert(bytes.find(vop), tells_packing));
      } else if (is_b_frame(bytes)) {
        set_bytes(*packets[i - 1], bytes_of(*packets[i - 1]) + bytes);
        set_bytes(*packets[i], not_coded);
      }
    }
  });
}

// Up to version 3.5 x265 takes yes or no, later the number of layers.
void write_temporal_layers(const fs::path& path) {
  for (const char* layers : {"1", "3"}) {
    Settings settings = kX265;
    settings["x265-params"] += concat(":temporal-layers=", layers);
    write_moving(path, "libx265", settings);
    if (packet_facts(path).temporal_layers > 1) return;
  }
}

std::uint32_t big_endian(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes.at(at + i));
  return value;
}
std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

// Makes two edits of the one in the file's only track, whose frames stand 512 ticks (of 1/12800 s) each: frames 0 to
// 19, then from 30 on. The index lies behind the pictures, so it may grow.
void skip_the_middle(const fs::path& from, const fs::path& to) {
  std::string bytes = read_file(from);
  const auto elst = bytes.rfind("elst") - 4;
  GLINT_CHECK(big_endian(bytes, elst) == 28 && bytes[elst + 8] == 0, "one edit of 32 bits");
  const std::uint32_t start = big_endian(bytes, elst + 20);
  constexpr std::uint32_t kMovieTicks = 40;  // a frame, of 1/1000 s
  std::string edits = big_endian(2);
  for (const auto& [first, count] : {std::pair{0U, 20U}, std::pair{30U, 30U}}) {
    edits += big_endian(count * kMovieTicks) + big_endian(start + first * 512) + big_endian(1U << 16);
  }
  bytes.replace(elst + 12, 16, edits);
  for (const char* name : {"elst", "edts", "trak", "moov"}) {
    const auto box = bytes.rfind(name) - 4;
    bytes.replace(box, 4, big_endian(big_endian(bytes, box) + 12));
  }
  write_file(to, bytes);
}

// The first `share` of `from`.
void cut(const fs::path& from, const fs::path& to, double share) {
  const std::string bytes = read_file(from);
  write_file(to, bytes.substr(0, static_cast<std::size_t>(static_cast<double>(bytes.size()) * share)));
}

HostileKind cut_kind(const std::string& name, const std::string& encoder, const std::string& extension,
                     const Settings& settings, const Settings& muxer = {}) {
  return {name,
          encoder,
          "cut" + extension,
          0,
          [=](const fs::path& path) {
            const auto whole = beside(path, "whole" + extension), indexed = beside(path, "indexed" + extension);
            write_moving(whole, encoder, settings);
            if (!muxer.empty()) remux(whole, indexed, muxer);
            cut(muxer.empty() ? whole : indexed, path, 0.55);
          },
          [](const PacketFacts& facts) { return facts.packets > 10; }};
}

HostileKind turned_kind(const std::string& name, const std::array<int, 4>& turn) {
  return {name,
          "libx264",
          "turned.mp4",
          kHostileFrames,
          [=](const fs::path& path) {
            VideoWriterOptions options;
            options.display_matrix = {turn[0] << 16, turn[1] << 16, 0, turn[2] << 16, turn[3] << 16, 0, 0, 0, 1 << 30};
            write_moving(path, "libx264", kX264OpenGop, options);
          },
          [](const PacketFacts& facts) { return facts.leading > 0; }};
}

HostileKind plain_kind(const std::string& name, const std::string& encoder, const std::string& file,
                       const Settings& settings, std::function<bool(const PacketFacts&)> holds) {
  return {name,
          encoder,
          file,
          kHostileFrames,
          [=](const fs::path& path) { write_moving(path, encoder, settings); },
          std::move(holds)};
}

HostileKind uneven_kind(const std::string& name, const std::string& file) {
  return {name,
          "libx264",
          file,
          kHostileFrames,
          [](const fs::path& path) {
            VideoWriterOptions options;
            options.variable_rate = true;
            options.fps_num = 1000;
            write_moving(path, "libx264", kX264OpenGop, options,
                         [](std::int64_t i) { return i * 33 + i % 7 * 3 + (i > 30 ? 2500 : 0); });
          },
          [](const PacketFacts& facts) { return facts.reordered > 0; }};
}

std::vector<HostileKind> make_kinds() {
  const auto is_open = [](const PacketFacts& facts) { return facts.keyframes > 3 && facts.leading > 0; };
  const auto has_b_frames = [](const PacketFacts& facts) { return facts.keyframes > 3 && facts.reordered > 0; };
  const auto has_apart = [](const PacketFacts& facts) { return facts.packets > kHostileFrames; };
  const auto has_keyframes = [](const PacketFacts& facts) { return facts.keyframes > 3; };
  const auto any = [](const PacketFacts& facts) { return facts.packets >= kHostileFrames; };
  std::vector<HostileKind> kinds = {
      plain_kind("H264OpenGopInMp4", "libx264", "open.mp4", kX264OpenGop, is_open),
      plain_kind("H264OpenGopInMatroska", "libx264", "open.mkv", kX264OpenGop, is_open),
      plain_kind("H264OpenGopInFlv", "libx264", "open.flv", kX264OpenGop, is_open),
      plain_kind("H264OpenGopInTransportStream", "libx264", "open.ts", kX264OpenGop, is_open),
      plain_kind("H264IntraRefreshInMp4", "libx264", "refresh.mp4", kX264Refresh, has_keyframes),
      plain_kind("H264IntraRefreshInTransportStream", "libx264", "refresh.ts", kX264Refresh, has_keyframes),
      plain_kind("HevcOpenGopInMp4", "libx265", "open.mp4", kX265, is_open),
      plain_kind("HevcOpenGopInTransportStream", "libx265", "open.ts", kX265, is_open),
      {"HevcTemporalLayers", "libx265", "layers.mp4", kHostileFrames, write_temporal_layers,
       [](const PacketFacts& facts) { return facts.leading > 0 && facts.temporal_layers > 1; }},
      {"Vp9AltRef", "libvpx-vp9", "alt_ref.webm", kHostileFrames,
       [](const fs::path& path) { write_with_alt_ref(path, "libvpx-vp9"); },
       [](const PacketFacts& facts) { return facts.joined > 0; }},
      {"Vp9AltRefInPacketsOfTheirOwn", "libvpx-vp9", "split.mkv", kHostileFrames,
       [](const fs::path& path) {
         write_with_alt_ref(beside(path, "whole.webm"), "libvpx-vp9");
         split_superframes(beside(path, "whole.webm"), path);
       },
       has_apart},
      {"Vp8AltRef", "libvpx", "alt_ref.webm", kHostileFrames,
       [](const fs::path& path) { write_with_alt_ref(path, "libvpx"); }, has_apart},
      plain_kind("Av1InMatroska", "libaom-av1", "av1.mkv", kAom, any),
      plain_kind("Av1InMp4", "libaom-av1", "av1.mp4", kAom, any),
      plain_kind("Mpeg4BFramesInMp4", "mpeg4", "b_frames.mp4", {{"bf", "2"}}, has_b_frames),
      plain_kind("Mpeg4BFramesInAvi", "mpeg4", "b_frames.avi", {{"bf", "2"}}, any),
      {"Mpeg4PackedInAvi", "mpeg4", "packed.avi", kHostileFrames,
       [](const fs::path& path) {
         write_moving(beside(path, "whole.mp4"), "mpeg4", {{"bf", "1"}, {"flags", "-global_header"}});
         pack_b_frames(beside(path, "whole.mp4"), path);
       },
       [](const PacketFacts& facts) { return facts.empty > 20; }},
      plain_kind("Mpeg2OpenGopInProgramStream", "mpeg2video", "open.mpg", {{"bf", "2"}, {"b", "2000000"}}, any),
      plain_kind("Mpeg2OpenGopInTransportStream", "mpeg2video", "open.ts", {{"bf", "2"}, {"b", "2000000"}}, any),
      {"EditListCutsTheStart", "libx264", "cut_start.mp4", kHostileFrames - 10,
       [](const fs::path& path) {
         write_moving(beside(path, "whole.mp4"), "libx264", kX264OpenGop);
         remux(beside(path, "whole.mp4"), path, {}, -0.4);
       },
       [](const PacketFacts& facts) { return facts.discarded > 0; }},
      {"EditListSkipsTheMiddle", "libx264", "two_edits.mov", kHostileFrames - 10,
       [](const fs::path& path) {
         write_moving(beside(path, "whole.mov"), "libx264", kX264OpenGop);
         skip_the_middle(beside(path, "whole.mov"), path);
       },
       [](const PacketFacts& facts) { return facts.discarded > 0; }},
      turned_kind("TurnedByAQuarter", {0, 1, -1, 0}),
      turned_kind("Mirrored", {-1, 0, 0, 1}),
      turned_kind("MirroredAndTurned", {0, 1, 1, 0}),
      uneven_kind("VariableRateInMp4", "uneven.mp4"),
      uneven_kind("VariableRateInMatroska", "uneven.mkv"),
      cut_kind("CutMp4", "libx264", ".mp4", kX264OpenGop, {{"movflags", "faststart"}}),
      cut_kind("CutFragmentedMp4", "libx264", ".mp4", kX264OpenGop,
               {{"movflags", "frag_keyframe+empty_moov+default_base_moof"}}),
      cut_kind("CutMatroska", "libx264", ".mkv", kX264OpenGop),
      cut_kind("CutTransportStream", "libx264", ".ts", kX264OpenGop),
      cut_kind("CutHevc", "libx265", ".mkv", kX265),
      {"CutWebm", "libvpx-vp9", "cut.webm", 0,
       [](const fs::path& path) {
         write_with_alt_ref(beside(path, "whole.webm"), "libvpx-vp9");
         cut(beside(path, "whole.webm"), path, 0.55);
       },
       [](const PacketFacts& facts) { return facts.joined > 0; }},
      cut_kind("CutAvi", "mpeg4", ".avi", {{"bf", "2"}}),
      {"TransportStreamWithoutItsStart", "libx264", "late.ts", 0,
       [](const fs::path& path) {
         write_moving(beside(path, "whole.ts"), "libx264", kX264OpenGop);
         const std::string bytes = read_file(beside(path, "whole.ts"));
         write_file(path, bytes.substr(bytes.size() / 188 * 2 / 5 * 188));
       },
       [](const PacketFacts& facts) { return facts.packets > 10; }},
  };
  return kinds;
}

int temporal_layers(const AVCodecParameters& parameters) {
  constexpr int kLayersByte = 21;  // of hvcC
  const bool has_header = parameters.codec_id == AV_CODEC_ID_HEVC && parameters.extradata_size > kLayersByte;
  return has_header && parameters.extradata[0] == 1 ? parameters.extradata[kLayersByte] >> 3 & 7 : 1;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const PacketFacts& facts) {
  return out << facts.packets << " packets, " << facts.keyframes << " keyframes, " << facts.leading << " leading, "
             << facts.reordered << " reordered, " << facts.discarded << " discarded, " << facts.empty << " empty, "
             << facts.joined << " joined, " << facts.temporal_layers << " temporal layers";
}

std::ostream& operator<<(std::ostream& out, const HostileKind& kind) {
  return out << kind.name;
}

const std::vector<HostileKind>& hostile_kinds() {
  static const std::vector<HostileKind> kinds = make_kinds();
  return kinds;
}

bool has_encoder(const std::string& name) {
  return avcodec_find_encoder_by_name(name.c_str()) != nullptr;
}

PacketFacts packet_facts(const fs::path& path) {
  constexpr int kNotCodedBytes = 19;  // the most that a picture which is "not coded" takes
  const auto file = open_video(path);
  const auto& codec = *file->streams[0]->codecpar;
  PacketFacts facts;
  facts.temporal_layers = temporal_layers(codec);
  std::int64_t latest = AV_NOPTS_VALUE, keyframe = AV_NOPTS_VALUE;
  const auto packet = av_owned(av_packet_alloc());
  for (; av_read_frame(file.get(), packet.get()) >= 0; av_packet_unref(packet.get())) {
    const bool is_key = (packet->flags & AV_PKT_FLAG_KEY) != 0;
    ++facts.packets;
    facts.keyframes += is_key;
    facts.discarded += (packet->flags & AV_PKT_FLAG_DISCARD) != 0;
    facts.empty += packet->size <= kNotCodedBytes;
    facts.joined += codec.codec_id == AV_CODEC_ID_VP9 && (packet->data[packet->size - 1] & 0xe0) == 0xc0;
    if (packet->pts == AV_NOPTS_VALUE) continue;
    facts.reordered += latest != AV_NOPTS_VALUE && packet->pts < latest;
    facts.leading += keyframe != AV_NOPTS_VALUE && packet->pts < keyframe;
    latest = std::max(latest, packet->pts);
    if (is_key) keyframe = packet->pts;
  }
  return facts;
}

}  // namespace glint::test
