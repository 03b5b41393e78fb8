#pragma once

#include <cstdint>
#include <string>

#include "media/av.h"
#include "media/orientation.h"
#include "media/time_budget.h"
#include "media/video_file.h"

namespace glint::media {

// A video file in libav's hands. It reads this one file through functions of ours and opens nothing itself: what a
// play list, a reference movie or a container's index names elsewhere stays shut, and formats that are no stored video
// are refused by name. Both references outlive it.
class InputFile {
 public:
  // Throws BadFile where it is no video, NotNow where reading fails or `budget` is over.
  InputFile(const VideoFile& file, TimeBudget& budget);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  AVFormatContext* operator->() const { return format_.get(); }
  AVFormatContext& operator*() const { return *format_; }

  // Decodes the starts of all streams to know them better than their headers tell.
  void probe_streams();
  // The next packet of any stream; false at the end of the file or where it is broken off.
  bool read_packet(AVPacket& packet);
  // Throws where a read failed or the budget is over: what libav made of that is no word about the file. After every
  // call of libav's that reads.
  void check();

 private:
  static int read(void* self, std::uint8_t* to, int size);
  static std::int64_t seek(void* self, std::int64_t offset, int whence);
  const AVInputFormat* recognise();
  void open(const AVInputFormat* kind);
  [[noreturn]] void refuse(int code);

  const VideoFile& file_;
  TimeBudget& budget_;
  std::int64_t offset_ = 0;
  int problem_ = 0;  // errno of the first read that failed
  AvPtr<AVIOContext> io_;
  AvPtr<AVFormatContext> format_;  // closed before what it reads with
};

struct ChosenStream {
  int number = -1;
  const AVCodec* decoder = nullptr;
};

// libav's choice of the best video stream; the others are left out from now on. Throws BadFile where there is none or
// no decoder for it. A cover picture is no video.
ChosenStream choose_video_stream(AVFormatContext& format, const std::string& path);

// Whether all of the stream stands in fragments of an MP4 file. libav takes one whose times step back for a repetition
// and flags its packets to be decoded and dropped, where Note [new clocks] may say that they are new.
bool is_fragmented(const AVFormatContext& format, const AVStream& stream);

// How it is to be shown, by its display matrix; as stored where it has none.
Orientation orientation_of(const AVStream& stream);

// Throws BadFile where pictures of this size are larger than the options allow.
void check_picture_size(const AVCodecParameters& parameters, std::int64_t max_pixels, const std::string& path);

}  // namespace glint::media
