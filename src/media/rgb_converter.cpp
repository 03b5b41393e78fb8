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

// A pixel's column and row.
struct Place {
  std::ptrdiff_t x, y;
};

// Where a pixel of the picture to show stands in the stored one, whose size is width x height.
Place stored_place(Place shown, const Orientation& orientation, int width, int height) {
  Place stored = shown;
  if (orientation.clockwise == 90) stored = {shown.y, height - 1 - shown.x};
  if (orientation.clockwise == 180) stored = {width - 1 - shown.x, height - 1 - shown.y};
  if (orientation.clockwise == 270) stored = {width - 1 - shown.y, shown.x};
  if (orientation.is_mirrored) stored.x = width - 1 - stored.x;
  return stored;
}

// From where the first pixel to show is stored to those of its neighbours, in bytes.
struct Steps {
  std::ptrdiff_t first, right, down;
};

void copy_pixels(const std::uint8_t* source, const Steps& steps, Image& to) {
  constexpr int kTile = 16;  // pixels; a tile of source and target stays in the first-level cache
  for (int top = 0; top < to.height; top += kTile) {
    for (int left = 0; left < to.width; left += kTile) {
      for (int y = top; y < std::min(top + kTile, to.height); ++y) {
        const std::uint8_t* from = source + steps.first + y * steps.down + left * steps.right;
        std::uint8_t* pixel = to.row(y) + left * 3;
        for (int x = left; x < std::min(left + kTile, to.width); ++x, from += steps.right, pixel += 3) {
          pixel[0] = from[0];
          pixel[1] = from[1];
          pixel[2] = from[2];
        }
      }
    }
  }
}

}  // namespace

void RgbConverter::prepare(const Kind& kind) {
  scaler_.reset(sws_getContext(kind.width, kind.height, static_cast<AVPixelFormat>(kind.format), kind.width,
                               kind.height, AV_PIX_FMT_RGB24, SWS_BICUBIC, nullptr, nullptr, nullptr));
  if (!scaler_) {
    const char* name = av_get_pix_fmt_name(static_cast<AVPixelFormat>(kind.format));
    throw BadFile(path_, ": pictures of kind ", name != nullptr ? name : "unknown", " cannot be converted to RGB");
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
  upright_ = orientation_.is_sideways() ? Image(kind.height, kind.width) : Image(kind.width, kind.height);
  kind_ = kind;
}

const Image& RgbConverter::convert(const AVFrame& frame) {
  const Kind kind{frame.width, frame.height, frame.format, frame.colorspace, is_full_range(frame) ? 1 : 0};
  if (!(kind == kind_)) prepare(kind);
  const bool fits =
      orientation_ == Orientation{} && kind.width * 3 % kAlignment == 0;  // rows end with a vector: no copy needed
  std::uint8_t* planes[4] = {fits ? upright_.rgb.data() : padded_->data[0], nullptr, nullptr, nullptr};
  const int strides[4] = {fits ? kind.width * 3 : padded_->linesize[0], 0, 0, 0};
  const int rows = sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, planes, strides);
  av_check(rows, path_, "a picture cannot be converted to RGB");
  if (!fits) turn();
  return upright_;
}

void RgbConverter::turn() {
  const int width = upright_.width, height = upright_.height;
  const std::uint8_t* source = padded_->data[0];
  const std::ptrdiff_t stride = padded_->linesize[0];
  if (orientation_ == Orientation{}) {
    for (int y = 0; y < height; ++y)
      std::memcpy(upright_.row(y), source + y * stride, static_cast<std::size_t>(width) * 3);
    return;
  }
  const auto offset = [&](Place shown) {
    const Place stored = stored_place(shown, orientation_, kind_.width, kind_.height);
    return stored.y * stride + stored.x * 3;
  };
  const Steps steps{offset({0, 0}), offset({1, 0}) - offset({0, 0}), offset({0, 1}) - offset({0, 0})};
  copy_pixels(source, steps, upright_);
}

}  // namespace glint::media
