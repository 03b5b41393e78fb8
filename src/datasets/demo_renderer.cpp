#include "datasets/demo_renderer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

#include "datasets/demo_motion.h"
#include "glint/core/error.h"

namespace glint::demo {
namespace {

struct Rgb {
  std::uint8_t r, g, b;
};

constexpr Rgb kPaint[kNumColours] = {{222, 38, 38},  {250, 132, 12}, {250, 216, 30}, {36, 168, 66},
                                     {44, 206, 222}, {40, 78, 224},  {132, 44, 184}, {250, 120, 190}};
constexpr Rgb kOutline = {252, 252, 250};

// One dull ground for all clips: with eight, a tower trained from nothing on 1,000 clips tells them by their ground.
constexpr Rgb kGroundTop = {63, 65, 70};
constexpr Rgb kGroundBottom = {57, 59, 62};

constexpr double kOutlineWidth = 0.02;  // of the central square's side
constexpr double kShadowOffset = 0.025;
constexpr int kShadowStrength = 90;  // of 255
constexpr int kShift = 4;            // OpenCV's fixed-point bits: corners are placed to 1/16 pixel
constexpr double kPi = std::numbers::pi;

cv::Point fixed(double x, double y) {
  constexpr double kOne = 1 << kShift;
  return {static_cast<int>(std::lround(x * kOne)), static_cast<int>(std::lround(y * kOne))};
}

// Corners around (0, 0) for a shape of diameter 1, clockwise from the top. The shapes look equally large.
std::vector<cv::Point2d> corners_of(Shape shape) {
  const auto around = [](int count, double radius, double inner_radius, double first_angle) {
    std::vector<cv::Point2d> corners;
    for (int i = 0; i < count; ++i) {
      const double angle = first_angle + 2 * kPi * i / count;
      const double r = i % 2 == 0 ? radius : inner_radius;
      corners.emplace_back(r * std::sin(angle), -r * std::cos(angle));
    }
    return corners;
  };
  constexpr double kArm = 0.52;
  constexpr double kHalf = 0.18;
  switch (shape) {
    case Shape::kSquare:
      return around(4, 0.61, 0.61, kPi / 4);
    case Shape::kTriangle:
      return around(3, 0.62, 0.62, 0);
    case Shape::kStar:
      return around(10, 0.6, 0.26, 0);
    case Shape::kCross:
      return {{-kHalf, -kArm}, {kHalf, -kArm}, {kHalf, -kHalf}, {kArm, -kHalf}, {kArm, kHalf},   {kHalf, kHalf},
              {kHalf, kArm},   {-kHalf, kArm}, {-kHalf, kHalf}, {-kArm, kHalf}, {-kArm, -kHalf}, {-kHalf, -kHalf}};
    default:
      throw Bug("a round shape has no corners");
  }
}

// How much of each pixel of a small square picture the shape covers, 0 ... 255; `grow` pixels wider all around.
void draw_mask(cv::Mat& mask, Shape shape, cv::Point2d centre, double diameter, double angle, double grow) {
  mask.setTo(0);
  if (shape == Shape::kCircle || shape == Shape::kRing) {
    const auto disc = [&](double radius, int value) {
      cv::circle(mask, fixed(centre.x, centre.y), fixed(radius, 0).x, value, cv::FILLED, cv::LINE_AA, kShift);
    };
    disc(diameter * 0.5 + grow, 255);
    if (shape == Shape::kRing) disc(std::max(0.0, diameter * 0.3 - grow), 0);
    return;
  }
  std::vector<cv::Point> polygon;
  for (const auto& corner : corners_of(shape)) {
    const double x = corner.x * std::cos(angle) - corner.y * std::sin(angle);
    const double y = corner.x * std::sin(angle) + corner.y * std::cos(angle);
    polygon.push_back(fixed(centre.x + x * diameter, centre.y + y * diameter));
  }
  const std::vector<std::vector<cv::Point>> polygons = {polygon};
  cv::fillPoly(mask, polygons, 255, cv::LINE_AA, kShift);
  if (grow > 0)
    cv::polylines(mask, polygons, true, 255, std::max(1, static_cast<int>(std::lround(2 * grow))), cv::LINE_AA, kShift);
}

std::uint8_t blend(int below, int above, int alpha) {
  return static_cast<std::uint8_t>((below * (255 - alpha) + above * alpha + 127) / 255);
}

void blend(std::uint8_t* pixel, Rgb colour, int alpha) {
  pixel[0] = blend(pixel[0], colour.r, alpha);
  pixel[1] = blend(pixel[1], colour.g, alpha);
  pixel[2] = blend(pixel[2], colour.b, alpha);
}

Rgb mixed(Rgb a, Rgb b, double share) {
  const auto one = [share](int from, int to) {
    return static_cast<std::uint8_t>(std::lround(from + (to - from) * share));
  };
  return {one(a.r, b.r), one(a.g, b.g), one(a.b, b.b)};
}

// A gradient with a light grain.
Image draw_ground(int width, int height, Random& random) {
  const double grain = random.uniform(0, 3);
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    const Rgb colour = mixed(kGroundTop, kGroundBottom, (y + 0.5) / height);
    const int channels[3] = {colour.r, colour.g, colour.b};
    for (int x = 0; x < width; ++x) {
      const int speck = static_cast<int>(std::lround(random.uniform(-1, 1) * grain));
      for (int c = 0; c < 3; ++c) image.row(y)[3 * x + c] = static_cast<std::uint8_t>(channels[c] + speck);
    }
  }
  return image;
}

// A shape with a light outline and a soft shadow, painted onto pictures.
class Painter {
 public:
  void paint(Image& image, const Thing& thing, const Pose& pose) {
    const double side = std::min(image.width, image.height);
    const double diameter = pose.diameter * side;
    const double outline = kOutlineWidth * side;
    const int reach = static_cast<int>(std::ceil(diameter * 0.65 + outline + 2));
    const double x = image.width / 2.0 + (pose.x - 0.5) * side;
    const double y = image.height / 2.0 + (pose.y - 0.5) * side;
    left_ = static_cast<int>(std::floor(x)) - reach;
    top_ = static_cast<int>(std::floor(y)) - reach;
    const int size = 2 * reach + 1;
    for (auto* mask : {&fill_, &border_, &shadow_}) mask->create(size, size, CV_8U);
    const cv::Point2d centre(x - left_, y - top_);
    draw_mask(fill_, thing.shape, centre, diameter, pose.angle, 0);
    draw_mask(border_, thing.shape, centre, diameter, pose.angle, outline);
    const int soft = 2 * static_cast<int>(std::lround(side / 60)) + 1;
    cv::blur(border_, shadow_, {soft, soft}, {-1, -1}, cv::BORDER_CONSTANT);
    const int offset = static_cast<int>(std::lround(kShadowOffset * side));
    const int visibility = static_cast<int>(std::lround(pose.visibility * 255));
    lay(image, shadow_, offset, visibility * kShadowStrength / 255, {0, 0, 0}, {0, 0, 0});
    lay(image, border_, 0, visibility, kOutline, kOutline);
    const Rgb paint = kPaint[static_cast<std::size_t>(thing.colour)];
    lay(image, fill_, 0, visibility, mixed(paint, {255, 255, 255}, 0.12), mixed(paint, {0, 0, 0}, 0.1));
  }

 private:
  // Lays a colour, from its upper to its lower tone, over the picture where the mask covers it.
  void lay(Image& image, const cv::Mat& mask, int offset, int alpha, Rgb upper, Rgb lower) const {
    for (int y = std::max(0, -(top_ + offset)); y < mask.rows && y + top_ + offset < image.height; ++y) {
      const Rgb colour = mixed(upper, lower, static_cast<double>(y) / mask.rows);
      const std::uint8_t* cover = mask.ptr(y);
      std::uint8_t* row = image.row(y + top_ + offset);
      for (int x = std::max(0, -(left_ + offset)); x < mask.cols && x + left_ + offset < image.width; ++x) {
        if (cover[x] != 0) blend(row + 3 * (x + left_ + offset), colour, (cover[x] * alpha + 127) / 255);
      }
    }
  }

  int left_ = 0;  // of the masks in the picture
  int top_ = 0;
  cv::Mat fill_, border_, shadow_;
};

}  // namespace

struct ClipRenderer::Impl {
  explicit Impl(const ClipPlan& clip) : story(clip.story), moments(clip.moments) {
    Random random{clip.look};
    ground = draw_ground(clip.file.width, clip.file.height, random);
    double sum = 0;
    for (const auto& event : story) {
      performances.emplace_back(event, random);
      lengths_s.push_back(random.uniform(0.85, 1.15));
      sum += lengths_s.back();
    }
    for (std::size_t i = 0; i < moments.size(); ++i) {
      const bool one_is_left = random.chance(0.5);
      const Sway one(one_is_left, random), other(!one_is_left, random);
      sways.emplace_back(one, other);
      lengths_s.push_back(random.uniform(0.85, 1.15));
      sum += lengths_s.back();
    }
    for (auto& length : lengths_s) length *= clip.file.duration_s / sum;
  }

  void paint_event(std::size_t i, double time_s) {
    const auto pose = performances[i].pose_at(std::clamp(time_s / lengths_s[i], 0.0, 1.0), lengths_s[i]);
    if (pose.visibility > 0) painter.paint(picture, {story[i].colour, story[i].shape}, pose);
  }

  void paint_moment(std::size_t i, double time_s) {
    painter.paint(picture, moments[i].one, sways[i].first.pose_at(time_s));
    painter.paint(picture, moments[i].other, sways[i].second.pose_at(time_s));
  }

  std::vector<Event> story;  // or
  std::vector<Moment> moments;
  std::vector<Performance> performances;     // of the events
  std::vector<std::pair<Sway, Sway>> sways;  // of the moments
  std::vector<double> lengths_s;             // of the events or moments
  Image ground;
  Image picture;
  Painter painter;
};

ClipRenderer::ClipRenderer(const ClipPlan& clip) : impl_(std::make_unique<Impl>(clip)) {}
ClipRenderer::~ClipRenderer() = default;

const Image& ClipRenderer::picture_at(double time_s) {
  Impl& me = *impl_;
  me.picture = me.ground;
  std::size_t i = 0;
  while (i + 1 < me.lengths_s.size() && time_s >= me.lengths_s[i]) time_s -= me.lengths_s[i++];
  if (me.moments.empty()) {
    me.paint_event(i, time_s);
  } else {
    me.paint_moment(i, time_s);
  }
  return me.picture;
}

Image turned(const Image& image, int degrees_clockwise) {
  if (degrees_clockwise == 0) return image;
  cv::Mat from(image.height, image.width, CV_8UC3, const_cast<std::uint8_t*>(image.rgb.data()));
  const bool swaps = degrees_clockwise != 180;
  Image result(swaps ? image.height : image.width, swaps ? image.width : image.height);
  cv::Mat to(result.height, result.width, CV_8UC3, result.rgb.data());
  cv::rotate(from, to,
             degrees_clockwise == 90    ? cv::ROTATE_90_CLOCKWISE
             : degrees_clockwise == 180 ? cv::ROTATE_180
                                        : cv::ROTATE_90_COUNTERCLOCKWISE);
  return result;
}

}  // namespace glint::demo
