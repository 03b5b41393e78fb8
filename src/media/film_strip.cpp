#include "glint/media/film_strip.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "glint/core/error.h"
#include "glint/media/jpeg.h"

namespace glint {
namespace {

constexpr int kStripGap = 2;  // pixels between frames

cv::Mat strip_view(Image& image) {
  return cv::Mat(image.height, image.width, CV_8UC3, image.rgb.data());
}

}  // namespace

FilmStrip::FilmStrip(int num_frames) : num_frames_(num_frames) {
  GLINT_CHECK(num_frames > 0, num_frames);
}

void FilmStrip::add(const Image& frame) {
  GLINT_CHECK(added_ < num_frames_, "frame ", added_, " of ", num_frames_);
  if (added_ == 0) {
    const double scale = std::min(static_cast<double>(kStripFrameWidth) / frame.width,
                                  static_cast<double>(kStripFrameHeight) / frame.height);
    frame_width_ = std::clamp(static_cast<int>(std::lround(frame.width * scale)), 1, kStripFrameWidth);
    strip_ = Image(num_frames_ * (frame_width_ + kStripGap) - kStripGap,
                   std::clamp(static_cast<int>(std::lround(frame.height * scale)), 1, kStripFrameHeight));
    std::fill(strip_.rgb.begin(), strip_.rgb.end(), std::uint8_t{128});
  }
  const cv::Rect place(added_ * (frame_width_ + kStripGap), 0, frame_width_, strip_.height);
  auto strip = strip_view(strip_);
  // OpenCV takes no constant memory; nothing is written to it.
  const auto source = strip_view(const_cast<Image&>(frame));
  cv::resize(source, strip(place), place.size(), 0, 0, place.width < frame.width ? cv::INTER_AREA : cv::INTER_LINEAR);
  ++added_;
}

std::string small_jpeg(const Image& image, std::size_t wanted_bytes) {
  std::vector<std::uint8_t> bytes;
  for (const int quality : {80, 65, 50, 35}) {
    bytes.clear();
    append_jpeg(quality, image, bytes);
    if (bytes.size() <= wanted_bytes) break;
  }
  return {bytes.begin(), bytes.end()};
}

}  // namespace glint
