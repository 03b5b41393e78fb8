#include "media/input_file.h"
#include "glint/core/file_kind.h"
#include "glint/core/files.h"

extern "C" {
#include <libavutil/display.h>
}

#include <cmath>
#include <cstring>
#include <filesystem>

namespace glint::media {

namespace {

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

AvPtr<AVFormatContext> open_input(const std::string& path, TimeBudget& budget) {
  // A pipe would block in open() where no interrupt reaches it; a device may never end.
  if (!files::exists(path)) throw Error(path, ": no such file");
  if (!files::is_file(path)) throw Error(path, ": not a regular file");
  AVFormatContext* raw = avformat_alloc_context();
  if (raw == nullptr) throw std::bad_alloc();
  raw->interrupt_callback = {&TimeBudget::interrupt, &budget};
  raw->max_streams = 256;
  AVDictionary* settings = nullptr;
  av_dict_set(&settings, "protocol_whitelist", "file", 0);
  const int code = avformat_open_input(&raw, ("file:" + path).c_str(), nullptr, &settings);  // frees `raw` if it fails
  av_dict_free(&settings);
  budget.check();
  if (code < 0) {
    const auto kind = kind_that_is_no_video(path);
    throw Error(path, ": no video that can be opened",
                kind ? concat(": it ", *kind) : concat(" (", av_text(code), "); it may be cut off or encrypted"));
  }
  return AvPtr<AVFormatContext>(raw);
}

void probe_streams(AVFormatContext& format, const std::string& path, TimeBudget& budget) {
  if (has_no_rate(*format.iformat)) {
    for (unsigned i = 0; i < format.nb_streams; ++i) format.streams[i]->avg_frame_rate = {0, 0};
  }
  const int code = avformat_find_stream_info(&format, nullptr);
  budget.check();
  av_check(code, path, "its streams cannot be recognised");
}

ChosenStream choose_video_stream(AVFormatContext& format, const std::string& path) {
  ChosenStream chosen;
  chosen.number = av_find_best_stream(&format, AVMEDIA_TYPE_VIDEO, -1, -1, &chosen.decoder, 0);
  if (chosen.number == AVERROR_DECODER_NOT_FOUND) throw Error(path, ": this libav has no decoder for its video stream");
  const bool is_cover =
      chosen.number >= 0 && (format.streams[chosen.number]->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
  if (chosen.number < 0 || is_cover) throw Error(path, ": holds no video stream");
  for (unsigned i = 0; i < format.nb_streams; ++i) {
    if (static_cast<int>(i) != chosen.number) format.streams[i]->discard = AVDISCARD_ALL;
  }
  return chosen;
}

int clockwise_rotation(const AVStream& stream) {
  const std::int32_t* matrix = display_matrix(stream);
  if (matrix == nullptr) return 0;
  const double degrees = -av_display_rotation_get(matrix);  // libav counts the other way round
  if (!std::isfinite(degrees)) return 0;
  return ((static_cast<int>(std::lround(degrees / 90)) % 4) + 4) % 4 * 90;
}

void check_picture_size(const AVCodecParameters& parameters, std::int64_t max_pixels, const std::string& path) {
  if (static_cast<std::int64_t>(parameters.width) * parameters.height <= max_pixels) return;
  throw Error(path, ": pictures of ", parameters.width, "x", parameters.height, " pixels are larger than the ",
              max_pixels, " that are read");
}

}  // namespace glint::media
