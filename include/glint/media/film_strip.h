#pragma once

#include <cstdint>
#include <string>

#include "glint/media/image.h"

namespace glint {

// Frames of one video side by side, small: what a report shows of a clip. A frame keeps its shape and is at most
// kStripFrameWidth x kStripFrameHeight pixels.
constexpr int kStripFrameWidth = 160;
constexpr int kStripFrameHeight = 120;

class FilmStrip {
 public:
  explicit FilmStrip(int num_frames);
  // Draws the next one; the first says what shape all have.
  void add(const Image& frame);
  const Image& image() const { return strip_; }

 private:
  int num_frames_;
  int added_ = 0;
  int frame_width_ = 0;
  Image strip_;
};

// The picture as a JPEG file, of the best quality (80 at most, 35 at least) that keeps it within `wanted_bytes`.
std::string small_jpeg(const Image& image, std::size_t wanted_bytes);

}  // namespace glint
