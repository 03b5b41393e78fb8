#pragma once

#include <string>

#include "glint/media/image.h"
#include "media/av.h"
#include "media/orientation.h"

namespace glint::media {

// Decoded frames to RGB, as FFmpeg converts by default: at the source size, swscale's default flags, matrix and range
// from the frame's tags, BT.601 where it has none (methods 8.6: bit-equal). Keeps its tables
// and buffers between frames of one kind.
class RgbConverter {
 public:
  // `orientation`: what is done with the picture after conversion.
  explicit RgbConverter(std::string path, Orientation orientation)
      : path_(std::move(path)), orientation_(orientation) {}

  // -> valid until the next call.
  const Image& convert(const AVFrame& frame);

 private:
  struct Kind {
    int width = 0, height = 0, format = -1, matrix = -1, is_full_range = -1;
    bool operator==(const Kind&) const = default;
  };
  void prepare(const Kind& kind);
  void turn();

  std::string path_;
  Orientation orientation_;
  Kind kind_;
  AvPtr<SwsContext> scaler_;
  AvPtr<AVFrame> padded_;
  Image upright_;
};

}  // namespace glint::media
