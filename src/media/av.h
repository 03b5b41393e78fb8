#pragma once

// Owners for libav's handles and a check for its return codes: the only header that brings FFmpeg into media/.
extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libswscale/swscale.h>
}

#include <memory>
#include <string>

#include "glint/core/error.h"

namespace glint::media {

struct AvFree {
  void operator()(AVFormatContext* p) const { avformat_close_input(&p); }
  void operator()(AVIOContext* p) const {
    av_freep(&p->buffer);
    avio_context_free(&p);
  }
  void operator()(AVCodecContext* p) const { avcodec_free_context(&p); }
  void operator()(AVCodecParameters* p) const { avcodec_parameters_free(&p); }
  void operator()(AVDictionary* p) const { av_dict_free(&p); }
  void operator()(AVPacket* p) const { av_packet_free(&p); }
  void operator()(AVFrame* p) const { av_frame_free(&p); }
  void operator()(SwsContext* p) const { sws_freeContext(p); }
};
template <class T>
using AvPtr = std::unique_ptr<T, AvFree>;

// Of a file that is written, its bytes' way included; AvPtr closes one that is read.
struct AvOutputFree {
  void operator()(AVFormatContext* p) const {
    avio_closep(&p->pb);
    avformat_free_context(p);
  }
};
using AvOutput = std::unique_ptr<AVFormatContext, AvOutputFree>;

// libav's own words for one of its return codes.
std::string av_text(int code);

// Throws where `code` is negative; hands it back otherwise. libav's verdict on the file is BadFile, "path: what:
// libav's words"; want of memory or threads is NotNow. libav reads through our functions alone (input_file.h), so its
// "I/O error" speaks of what the file holds.
int av_check(int code, const std::string& path, const char* what);

// An allocation failed while the file was decoded: NotNow where the machine has no more (the C library leaves ENOMEM in
// errno), BadFile where the file asks for a size that libav does not try to get.
[[noreturn]] void throw_no_memory(const std::string& path);

// An owner of what libav allocated; std::bad_alloc where it could not.
template <class T>
AvPtr<T> av_owned(T* handle) {
  if (handle == nullptr) throw std::bad_alloc();
  return AvPtr<T>(handle);
}

// libav writes warnings about damaged files to stderr by itself; ours are the Errors we throw. Call before opening
// anything.
void quiet_libav();

}  // namespace glint::media
