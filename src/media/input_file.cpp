#include "media/input_file.h"
#include "glint/core/file_kind.h"

extern "C" {
#include <libavutil/avstring.h>
}

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <optional>
#include <string_view>

namespace glint::media {

namespace {

constexpr int kReadBytes = 32768;  // at a time, as libav's own files

// The formats that are read: videos as data sets, cameras, phones, recorders and browsers store them. libav has some
// 300 more: play lists and scripts that open other files, devices, single pictures, and rarities that nobody tests.
constexpr const char* kFormats =
    "mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,live_flv,asf,ogg,gif,h261,h263,h264,hevc,vvc,m4v,vc1,obu,av1,dirac,"
    "mjpeg,yuv4mpegpipe,mxf,gxf,ivf,rm,nut,dv,wtv,nsv,apng,swf";
// Those that name other files.
constexpr const char* kPlayLists = "hls,applehttp,concat,dash,webm_dash_manifest,imf,sdp,rtsp,vobsub";

// -> whether one of the names of `kind`, which has several between commas, is in `list`.
bool is_in(const AVInputFormat& kind, const char* list) {
  std::string_view names = kind.name;
  while (!names.empty()) {
    const auto end = std::min(names.find(','), names.size());
    if (av_match_name(std::string(names.substr(0, end)).c_str(), list) != 0) return true;
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return false;
}

// libav asks for this where a file names another one.
int open_nothing(AVFormatContext*, AVIOContext** io, const char*, int, AVDictionary**) {
  *io = nullptr;
  return AVERROR(EPERM);
}

// What lies there in place of a video; none where its beginning does not show it.
std::optional<std::string> kind_of_stranger(const VideoFile& file) {
  std::array<std::uint8_t, 512> bytes{};
  const auto count = std::max<std::int64_t>(0, file.read(0, bytes.data(), std::ssize(bytes)));
  auto kind = kind_that_is_no_video({reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(count)});
  if (kind && kind->starts_with("is text"))
    *kind += ". Where it lists videos, or says where they are, give those themselves";
  return kind;
}

const std::int32_t* display_matrix(const AVStream& stream) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
  const AVPacketSideData* data = av_packet_side_data_get(
      stream.codecpar->coded_side_data, stream.codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  return data != nullptr && data->size >= 36 ? reinterpret_cast<const std::int32_t*>(data->data) : nullptr;
#else
  std::size_t size = 0;
  const std::uint8_t* data = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  return data != nullptr && size >= 36 ? reinterpret_cast<const std::int32_t*>(data) : nullptr;
#endif
}

// The headers of GIF and of bare streams hold no frame rate. The demuxers of FFmpeg 7 set one all the same: the
// duration of the first picture, or 25. Once that is cleared, probing finds the rate, as it does in FFmpeg 5.
bool has_no_rate(const AVInputFormat& format) {
  return (format.flags & AVFMT_NOTIMESTAMPS) != 0 || std::strcmp(format.name, "gif") == 0;
}

}  // namespace

InputFile::InputFile(const VideoFile& file, TimeBudget& budget) : file_(file), budget_(budget) {
  auto* buffer = static_cast<unsigned char*>(av_malloc(kReadBytes));
  if (buffer == nullptr) throw std::bad_alloc();
  AVIOContext* io = avio_alloc_context(buffer, kReadBytes, /*write_flag=*/0, this, &read, nullptr, &seek);
  if (io == nullptr) av_free(buffer);
  io_ = av_owned(io);
  open(recognise());
}

const AVInputFormat* InputFile::recognise() {
  const AVInputFormat* kind = nullptr;
  const int code = av_probe_input_buffer2(io_.get(), &kind, file_.path().c_str(), nullptr, 0, 0);
  check();
  if (code < 0) refuse(code);
  if (is_in(*kind, kFormats)) return kind;
  if (is_in(*kind, kPlayLists)) {
    throw BadFile(file_.path(), ": is a list (", kind->name,
                  ") that names other files, no video; name those files themselves");
  }
  if (kind_of_stranger(file_)) refuse(AVERROR_INVALIDDATA);
  throw BadFile(file_.path(), ": is '", kind->long_name != nullptr ? kind->long_name : kind->name,
                "', which is none of the kinds of video that are read");
}

void InputFile::open(const AVInputFormat* kind) {
  format_ = av_owned(avformat_alloc_context());
  format_->pb = io_.get();
  format_->interrupt_callback = {&TimeBudget::interrupt, &budget_};
  format_->io_open = &open_nothing;
  format_->max_streams = 256;
  format_->correct_ts_overflow = 0;  // a clock that begins anew is no overflow; both are Note [new clocks]'s
  AVDictionary* settings = nullptr;
  av_dict_set(&settings, "format_whitelist", kind->name, 0);
  av_dict_set(&settings, "protocol_whitelist", "", 0);
  AVFormatContext* raw = format_.release();
  const int code = avformat_open_input(&raw, file_.path().c_str(), kind, &settings);  // frees `raw` where it fails
  format_.reset(raw);
  av_dict_free(&settings);
  check();
  if (code < 0) refuse(code);
}

void InputFile::refuse(int code) {
  if (code == AVERROR(ENOMEM)) throw_no_memory(file_.path());
  const auto kind = kind_of_stranger(file_);
  throw BadFile(file_.path(), ": no video that can be opened",
                kind ? concat(": it ", *kind) : concat(" (", av_text(code), "); it may be cut off or encrypted"));
}

int InputFile::read(void* self, std::uint8_t* to, int size) {
  auto& me = *static_cast<InputFile*>(self);
  if (me.budget_.is_over()) return AVERROR_EXIT;
  const auto count = me.file_.read(me.offset_, to, size);
  if (count < 0) {
    if (me.problem_ == 0) me.problem_ = static_cast<int>(-count);
    return AVERROR(static_cast<int>(-count));
  }
  me.offset_ += count;
  return count > 0 ? static_cast<int>(count) : AVERROR_EOF;
}

std::int64_t InputFile::seek(void* self, std::int64_t offset, int whence) {
  auto& me = *static_cast<InputFile*>(self);
  if ((whence & AVSEEK_SIZE) != 0) return me.file_.size();
  whence &= ~AVSEEK_FORCE;
  const std::int64_t base = whence == SEEK_CUR ? me.offset_ : whence == SEEK_END ? me.file_.size() : 0;
  if (__builtin_add_overflow(base, offset, &offset) || offset < 0) return AVERROR(EINVAL);
  return me.offset_ = offset;
}

void InputFile::check() {
  budget_.check();
  if (problem_ != 0) throw_errno(file_.path() + ": the file cannot be read", problem_);
}

void InputFile::probe_streams() {
  if (has_no_rate(*format_->iformat)) {
    for (unsigned i = 0; i < format_->nb_streams; ++i) format_->streams[i]->avg_frame_rate = {0, 0};
  }
  const int code = avformat_find_stream_info(format_.get(), nullptr);
  check();
  av_check(code, file_.path(), "its streams cannot be recognised");
}

bool InputFile::read_packet(AVPacket& packet) {
  while (true) {
    av_packet_unref(&packet);
    const int code = av_read_frame(format_.get(), &packet);
    check();
    if (code == AVERROR(EAGAIN)) continue;
    if (code == AVERROR(ENOMEM)) throw_no_memory(file_.path());
    return code >= 0;
  }
}

ChosenStream choose_video_stream(AVFormatContext& format, const std::string& path) {
  ChosenStream chosen;
  chosen.number = av_find_best_stream(&format, AVMEDIA_TYPE_VIDEO, -1, -1, &chosen.decoder, 0);
  if (chosen.number == AVERROR_DECODER_NOT_FOUND) {
    throw BadFile(path, ": this libav has no decoder for its video stream");
  }
  const bool is_cover =
      chosen.number >= 0 && (format.streams[chosen.number]->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
  if (chosen.number < 0 || is_cover) throw BadFile(path, ": holds no video stream");
  for (unsigned i = 0; i < format.nb_streams; ++i) {
    if (static_cast<int>(i) != chosen.number) format.streams[i]->discard = AVDISCARD_ALL;
  }
  return chosen;
}

bool is_fragmented(const AVFormatContext& format, const AVStream& stream) {
  return is_in(*format.iformat, "mov") && stream.nb_frames == 0;
}

Orientation orientation_of(const AVStream& stream) {
  const std::int32_t* matrix = display_matrix(stream);
  return matrix != nullptr ? orientation_of(matrix) : Orientation{};
}

void check_picture_size(const AVCodecParameters& parameters, std::int64_t max_pixels, const std::string& path) {
  if (static_cast<std::int64_t>(parameters.width) * parameters.height <= max_pixels) return;
  throw BadFile(path, ": pictures of ", parameters.width, "x", parameters.height, " pixels are larger than the ",
                max_pixels, " that are read");
}

}  // namespace glint::media
