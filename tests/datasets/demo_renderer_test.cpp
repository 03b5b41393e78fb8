#include "datasets/demo_renderer.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace glint::demo {
namespace {

// What is seen of the painted shape: its pixels are the saturated ones.
struct Seen {
  double x = 0;  // centroid, pixels
  double y = 0;
  double area = 0;   // pixels
  double width = 0;  // of the bounding box
};

Seen look_at(const Image& image) {
  Seen seen;
  int left = image.width, right = 0;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const std::uint8_t* pixel = image.row(y) + 3 * x;
      const auto [low, high] = std::minmax({pixel[0], pixel[1], pixel[2]});
      if (high - low < 90) continue;
      ++seen.area;
      seen.x += x;
      seen.y += y;
      left = std::min(left, x);
      right = std::max(right, x);
    }
  }
  seen.x /= seen.area;
  seen.y /= seen.area;
  seen.width = right - left + 1;
  return seen;
}

constexpr double kDuration_s = 4;

ClipPlan clip_of(const Story& story, int width = 200, int height = 128, std::uint64_t look = 5) {
  ClipPlan clip;
  clip.story = story;
  clip.look = look;
  clip.file.width = width;
  clip.file.height = height;
  clip.file.duration_s = kDuration_s;
  return clip;
}

// The shape at these shares of the clip.
std::vector<Seen> watch(const Event& event, const std::vector<double>& shares, std::uint64_t look) {
  ClipRenderer renderer(clip_of({event}, 200, 128, look));
  std::vector<Seen> seen;
  for (const double share : shares) seen.push_back(look_at(renderer.picture_at(share * kDuration_s)));
  return seen;
}

constexpr int kShort = 128;  // the short side

TEST(ClipRendererTest, MotionsGoWhereTheirNamesSay) {
  for (std::uint64_t look = 0; look < 10; ++look) {
    const auto way = [&](Motion motion) {
      const auto seen = watch({Size::kSmall, Colour::kRed, Shape::kCircle, motion}, {0.1, 0.9}, look);
      return std::pair((seen[1].x - seen[0].x) / kShort, (seen[1].y - seen[0].y) / kShort);
    };
    EXPECT_LT(way(Motion::kRise).second, -0.4);
    EXPECT_GT(way(Motion::kFall).second, 0.4);
    EXPECT_GT(way(Motion::kRight).first, 0.4);
    EXPECT_LT(way(Motion::kLeft).first, -0.4);
    EXPECT_NEAR(way(Motion::kRise).first, 0, 0.02);
    EXPECT_NEAR(way(Motion::kLeft).second, 0, 0.02);
  }
}

TEST(ClipRendererTest, GrowingAndShrinkingChangeTheAreaTwice) {
  for (std::uint64_t look = 0; look < 10; ++look) {
    const auto grown = watch({Size::kChanging, Colour::kGreen, Shape::kStar, Motion::kGrow}, {0.1, 0.5, 0.9}, look);
    const auto shrunk = watch({Size::kChanging, Colour::kGreen, Shape::kStar, Motion::kShrink}, {0.1, 0.5, 0.9}, look);
    EXPECT_GT(grown[1].area, 1.5 * grown[0].area);
    EXPECT_GT(grown[2].area, 1.5 * grown[1].area);
    EXPECT_GT(shrunk[0].area, 1.5 * shrunk[1].area);
    EXPECT_GT(shrunk[1].area, 1.5 * shrunk[2].area);
  }
}

TEST(ClipRendererTest, SpinningTurnsInPlaceAndBlinkingComesAndGoes) {
  const std::vector<double> shares = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};
  for (std::uint64_t look = 0; look < 5; ++look) {
    const auto spun = watch({Size::kLarge, Colour::kBlue, Shape::kSquare, Motion::kSpin}, shares, look);
    const auto blinked = watch({Size::kLarge, Colour::kBlue, Shape::kSquare, Motion::kBlink}, shares, look);
    double narrow = 1e9, wide = 0;
    int seen = 0;
    for (std::size_t i = 0; i < shares.size(); ++i) {
      EXPECT_NEAR(spun[i].x, spun[0].x, 2);
      EXPECT_NEAR(spun[i].area, spun[0].area, 0.05 * spun[0].area);
      narrow = std::min(narrow, spun[i].width);
      wide = std::max(wide, spun[i].width);
      seen += blinked[i].area > 0;
    }
    EXPECT_GT(wide, 1.2 * narrow);
    EXPECT_GT(seen, 1);
    EXPECT_LT(seen, 8);
  }
}

TEST(ClipRendererTest, SizesColoursAndGroundsCannotBeMistaken) {
  for (int colour = 0; colour < kNumColours; ++colour) {
    for (int shape = 0; shape < kNumShapes; ++shape) {
      const auto seen_as = [&](Size size) {
        const Event event{size, static_cast<Colour>(colour), static_cast<Shape>(shape), Motion::kRise};
        return watch(event, {0.5}, static_cast<std::uint64_t>(colour * kNumShapes + shape))[0];
      };
      const auto small = seen_as(Size::kSmall), large = seen_as(Size::kLarge);
      EXPECT_GT(small.width, 0.22 * kShort);
      EXPECT_GT(large.width, 1.4 * small.width);
    }
  }
}

TEST(ClipRendererTest, EventsFollowOneAnotherInTheCentralSquare) {
  const Event red{Size::kLarge, Colour::kRed, Shape::kCircle, Motion::kLeft};
  const Event blue{Size::kSmall, Colour::kBlue, Shape::kStar, Motion::kRight};
  const auto redness = [](const Image& image) {
    double sum = 0;
    for (std::size_t i = 0; i < image.rgb.size(); i += 3) sum += std::max(0, image.rgb[i] - image.rgb[i + 2] - 90);
    return sum;
  };
  ClipRenderer renderer(clip_of({red, blue}, 320, 96));
  EXPECT_GT(redness(renderer.picture_at(0.25 * kDuration_s)), 1000);
  EXPECT_EQ(redness(renderer.picture_at(0.75 * kDuration_s)), 0);
  for (const double share : {0.05, 0.25, 0.4, 0.6, 0.75, 0.95}) {
    const auto seen = look_at(renderer.picture_at(share * kDuration_s));
    EXPECT_GT(seen.x - 160, -48) << share;
    EXPECT_LT(seen.x - 160, 48) << share;
  }
}

TEST(ClipRendererTest, AMomentShowsItsTwoThingsSideBySideFromItsFirstFrameToItsLast) {
  const Moment first{{Colour::kRed, Shape::kCircle}, {Colour::kBlue, Shape::kStar}};
  const Moment second{{Colour::kGreen, Shape::kSquare}, {Colour::kYellow, Shape::kRing}};
  int red_is_left = 0;
  for (std::uint64_t look = 0; look < 20; ++look) {
    auto clip = clip_of({}, 200, 128, look);
    clip.moments = {first, second};
    ClipRenderer renderer(clip);
    for (const double share : {0.0, 0.4, 0.6, 0.999}) {
      const auto& picture = renderer.picture_at(share * kDuration_s);
      std::array<std::array<int, 3>, 2> paint{};  // of each half: the pixels of which red, green or blue is the most
      for (int y = 0; y < picture.height; ++y) {
        for (int x = 0; x < picture.width; ++x) {
          const std::uint8_t* pixel = picture.row(y) + 3 * x;
          const auto [low, high] = std::minmax_element(pixel, pixel + 3);
          const auto half = static_cast<std::size_t>(x >= picture.width / 2);
          if (*high - *low >= 90) ++paint[half][static_cast<std::size_t>(high - pixel)];
        }
      }
      for (const auto& half : paint) EXPECT_GT(half[0] + half[1] + half[2], 300) << share;
      const int blue = paint[0][2] + paint[1][2];
      EXPECT_EQ(blue > 0, share < 0.5) << share;
      if (share > 0) continue;
      red_is_left += paint[0][0] > 0;
      EXPECT_EQ(paint[0][0] > 0, paint[1][2] > 0);
    }
  }
  EXPECT_GT(red_is_left, 4);
  EXPECT_LT(red_is_left, 16);
}

TEST(ClipRendererTest, FourQuarterTurnsAreNone) {
  ClipRenderer renderer(clip_of({{Size::kLarge, Colour::kPink, Shape::kCross, Motion::kFall}}, 40, 24));
  const Image picture = renderer.picture_at(1);
  const Image right = turned(picture, 90);
  ASSERT_EQ(right.width, 24);
  ASSERT_EQ(right.height, 40);
  EXPECT_TRUE(std::equal(right.row(0), right.row(0) + 3, picture.row(23)));  // lower left goes to upper left
  EXPECT_EQ(turned(right, 270).rgb, picture.rgb);
  EXPECT_EQ(turned(turned(picture, 180), 180).rgb, picture.rgb);
}

}  // namespace
}  // namespace glint::demo
