#include "media/rgb_converter.h"

extern "C" {
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <cstring>

namespace glint::media {

namespace {

constexpr int kAlignment = 64;  // bytes; swscale's widest stores

bool is_full_range(const AVFrame& frame) {
  switch (frame.format) {
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUVJ422P:
    case AV_PIX_FMT_YUVJ444P:
    case AV_PIX_FMT_YUVJ440P:
    case AV_PIX_FMT_YUVJ411P:
      return true;
    default:
      return frame.color_range == AVCOL_RANGE_JPEG;
  }
}

void copy_pixel(std::uint8_t* to, const std::uint8_t* from) {
  to[0] = from[0];
  to[1] = from[1];
  to[2] = from[2];
}

}  // namespace

void RgbConverter::prepare(const Kind& kind) {
  scaler_.reset(sws_getContext(kind.width, kind.height, static_cast<AVPixelFormat>(kind.format), kind.width,
                               kind.height, AV_PIX_FMT_RGB24, SWS_BICUBIC, nullptr, nullptr, nullptr));
  if (!scaler_) {
    const char* name = av_get_pix_fmt_name(static_cast<AVPixelFormat>(kind.format));
    throw Error(path_, ": pictures of kind ", name != nullptr ? name : "unknown", " cannot be converted to RGB");
  }
  const int* out_matrix = sws_getCoefficients(SWS_CS_DEFAULT);
  // Refused for sources that are RGB already, where there is nothing to set.
  sws_setColorspaceDetails(scaler_.get(), sws_getCoefficients(kind.matrix), kind.is_full_range, out_matrix,
                           /*dstRange=*/0, /*brightness=*/0, /*contrast=*/1 << 16, /*saturation=*/1 << 16);
  // Rows with room after them: where a row ends in the middle of a vector, swscale leaves its last pixels out
  // otherwise.
  padded_ = av_owned(av_frame_alloc());
  padded_->format = AV_PIX_FMT_RGB24;
  padded_->width = kind.width;
  padded_->height = kind.height;
  if (av_frame_get_buffer(padded_.get(), kAlignment) < 0) throw std::bad_alloc();
  const bool is_sideways = rotation_ % 180 != 0;
  upright_ = is_sideways ? Image(kind.height, kind.width) : Image(kind.width, kind.height);
  kind_ = kind;
}

const Image& RgbConverter::convert(const AVFrame& frame) {
  const Kind kind{frame.width, frame.height, frame.format, frame.colorspace, is_full_range(frame) ? 1 : 0};
  if (!(kind == kind_)) prepare(kind);
  const bool fits = rotation_ == 0 && kind.width * 3 % kAlignment == 0;  // rows end with a vector: no copy needed
  std::uint8_t* planes[4] = {fits ? upright_.rgb.data() : padded_->data[0], nullptr, nullptr, nullptr};
  const int strides[4] = {fits ? kind.width * 3 : padded_->linesize[0], 0, 0, 0};
  const int rows = sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, planes, strides);
  av_check(rows, path_, "a picture cannot be converted to RGB");
  if (!fits) turn();
  return upright_;
}

void RgbConverter::turn() {
  constexpr int kTile = 16;  // pixels; a tile of source and target stays in the first-level cache
  const int width = upright_.width, height = upright_.height;
  const std::uint8_t* source = padded_->data[0];
  const std::ptrdiff_t stride = padded_->linesize[0];
  if (rotation_ == 0) {
    for (int y = 0; y < height; ++y)
      std::memcpy(upright_.row(y), source + y * stride, static_cast<std::size_t>(width) * 3);
    return;
  }
  if (rotation_ == 180) {
    for (int y = 0; y < height; ++y) {
      const std::uint8_t* from = source + (height - 1 - y) * stride + (width - 1) * 3;
      for (int x = 0; x < width; ++x) copy_pixel(upright_.row(y) + x * 3, from - x * 3);
    }
    return;
  }
  // Quarter turns: row y of the target is column y (90 degrees) or the y-th from the right (270) of the source.
  const bool is_90 = rotation_ == 90;
  for (int top = 0; top < height; top += kTile) {
    for (int left = 0; left < width; left += kTile) {
      for (int y = top; y < std::min(top + kTile, height); ++y) {
        const int source_x = is_90 ? y : height - 1 - y;
        for (int x = left; x < std::min(left + kTile, width); ++x) {
          const int source_y = is_90 ? width - 1 - x : x;
          copy_pixel(upright_.row(y) + x * 3, source + source_y * stride + source_x * 3);
        }
      }
    }
  }
}

}  // namespace glint::media
