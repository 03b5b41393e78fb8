#include "glint/media/film_strip.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "glint/core/error.h"
#include "glint/core/random.h"

namespace glint {
namespace {

Image grey(int width, int height, int level) {
  Image image(width, height);
  std::fill(image.rgb.begin(), image.rgb.end(), static_cast<std::uint8_t>(level));
  return image;
}

TEST(FilmStripTest, FramesStandSideBySideInTheirShape) {
  FilmStrip strip(2);
  strip.add(grey(320, 180, 10));
  strip.add(grey(320, 180, 200));
  EXPECT_EQ(strip.image().width, 160 + 2 + 160);
  EXPECT_EQ(strip.image().height, 90);
  EXPECT_EQ(strip.image().row(45)[3 * 80], 10);
  EXPECT_EQ(strip.image().row(45)[3 * 240], 200);
}

TEST(FilmStripTest, TallAndTinyFramesFitToo) {
  FilmStrip tall(1), tiny(1);
  tall.add(grey(180, 320, 10));
  EXPECT_EQ(tall.image().height, kStripFrameHeight);
  EXPECT_EQ(tall.image().width, 68);
  tiny.add(grey(1, 2000, 10));
  EXPECT_EQ(tiny.image().width, 1);
}

TEST(FilmStripTest, OneFrameTooManyIsABug) {
  FilmStrip strip(1);
  strip.add(grey(4, 4, 0));
  EXPECT_THROW(strip.add(grey(4, 4, 0)), Bug);
}

TEST(SmallJpegTest, TakesLessQualityWhereThePictureIsLarge) {
  Image noise(320, 120);
  Random random({1});
  for (auto& byte : noise.rgb) byte = static_cast<std::uint8_t>(random.below(256));
  const auto best = small_jpeg(noise, 1'000'000), small = small_jpeg(noise, 1'000);
  EXPECT_EQ(best.substr(0, 2), "\xFF\xD8");
  EXPECT_LT(small.size(), best.size());
  EXPECT_LT(small_jpeg(grey(320, 120, 90), 8'000).size(), 2'000U);
}

}  // namespace
}  // namespace glint
