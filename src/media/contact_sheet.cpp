#include "glint/media/contact_sheet.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "glint/core/error.h"

namespace glint {

namespace {

constexpr std::int64_t kMaxCells = 2000;
constexpr int kCellSide = 240;    // pixels; the longer side of a frame on the sheet
constexpr int kMinCellSide = 96;  // so that the words fit and a film strip of a frame stays visible
constexpr int kMargin = 8;
constexpr int kCaptionHeight = 22;
const cv::Scalar kBackground(32, 32, 32);
const cv::Scalar kInk(230, 230, 230);

cv::Mat view(Image& image) {
  return cv::Mat(image.height, image.width, CV_8UC3, image.rgb.data());
}

// OpenCV takes no constant memory; nothing is written to it.
cv::Mat view(const Image& image) {
  return view(const_cast<Image&>(image));
}

// The largest size of the frame's shape inside width x height.
cv::Size fitted(const Image& frame, int width, int height) {
  const double scale = std::min(static_cast<double>(width) / frame.width, static_cast<double>(height) / frame.height);
  return {std::clamp(static_cast<int>(std::lround(frame.width * scale)), 1, width),
          std::clamp(static_cast<int>(std::lround(frame.height * scale)), 1, height)};
}

}  // namespace

ContactSheet::ContactSheet(std::int64_t num_cells, int width, int height) : num_cells_(num_cells) {
  GLINT_CHECK(num_cells > 0 && width > 0 && height > 0, num_cells, " cells of ", width, "x", height);
  if (num_cells > kMaxCells) {
    throw Error("a contact sheet of ", num_cells, " frames would be too large; at most ", kMaxCells, " fit");
  }
  const double scale = static_cast<double>(kCellSide) / std::max(width, height);
  cell_width_ = std::clamp(static_cast<int>(std::lround(width * scale)), kMinCellSide, kCellSide);
  cell_height_ = std::clamp(static_cast<int>(std::lround(height * scale)), kMinCellSide, kCellSide);
  // About as wide as a screen: 4:3 of the cells' own shape.
  const double shape = 4.0 / 3 * (cell_height_ + kCaptionHeight) / cell_width_;
  columns_ = std::clamp<std::int64_t>(std::llround(std::sqrt(static_cast<double>(num_cells) * shape)), 1, num_cells);
  const std::int64_t rows = (num_cells + columns_ - 1) / columns_;
  sheet_ = Image(static_cast<int>(columns_) * (cell_width_ + kMargin) + kMargin,
                 static_cast<int>(rows) * (cell_height_ + kCaptionHeight + kMargin) + kMargin);
  view(sheet_).setTo(kBackground);
}

void ContactSheet::add(const Image& image, const std::string& caption) {
  GLINT_CHECK(added_ < num_cells_, "cell ", added_, " of ", num_cells_);
  const int left = kMargin + static_cast<int>(added_ % columns_) * (cell_width_ + kMargin);
  const int top = kMargin + static_cast<int>(added_ / columns_) * (cell_height_ + kCaptionHeight + kMargin);
  const cv::Size size = fitted(image, cell_width_, cell_height_);
  const cv::Rect place(left + (cell_width_ - size.width) / 2, top + (cell_height_ - size.height) / 2, size.width,
                       size.height);
  cv::Mat sheet = view(sheet_);
  const bool is_smaller = size.width < image.width;
  cv::resize(view(image), sheet(place), size, 0, 0, is_smaller ? cv::INTER_AREA : cv::INTER_LINEAR);
  const double letter_scale = std::min(0.45, 0.45 * cell_width_ / 130);  // "12345:  123.456 s" fits the cell
  cv::putText(sheet, caption, {left, top + cell_height_ + kCaptionHeight - 7}, cv::FONT_HERSHEY_SIMPLEX, letter_scale,
              kInk, /*thickness=*/1, cv::LINE_AA);
  ++added_;
}

}  // namespace glint
