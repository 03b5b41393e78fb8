#include "data/frame_cache_codec.h"

#include <gtest/gtest.h>

#include <cmath>

#include "glint/core/error.h"
#include "glint/core/random.h"

namespace glint::test {
namespace {

using namespace cache;

// A colour that changes slowly over the picture.
Image smooth(int width, int height) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      std::uint8_t* pixel = image.row(y) + 3 * x;
      pixel[0] = static_cast<std::uint8_t>(2 * x + 30);
      pixel[1] = static_cast<std::uint8_t>(200 - y);
      pixel[2] = static_cast<std::uint8_t>(x + y + 10);
    }
  }
  return image;
}

int largest_difference(const Image& a, const Image& b) {
  int most = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) most = std::max(most, std::abs(a.rgb[i] - b.rgb[i]));
  return most;
}

TEST(FrameCacheCodecTest, APictureComesBackWithinWhatItsCodecLoses) {
  for (const auto& [width, height] : {std::pair{64, 48}, {37, 21}, {1, 1}, {1, 5}, {6, 1}}) {
    const auto image = smooth(width, height);
    for (const auto& [codec, bound] : {std::pair{Codec::kRaw, 0}, {Codec::kYuv420, 5}, {Codec::kJpeg, 8}}) {
      std::vector<std::uint8_t> bytes = {9};
      encode_picture(codec, 95, image, bytes);
      Image back;
      ASSERT_TRUE(decode_picture(codec, std::span(bytes).subspan(1), width, height, back)) << width << "x" << height;
      EXPECT_EQ(back.width, width);
      EXPECT_EQ(back.height, height);
      EXPECT_LE(largest_difference(image, back), bound)
          << width << "x" << height << ", codec " << static_cast<int>(codec);
    }
  }
}

TEST(FrameCacheCodecTest, GreysAreExactInYuv) {
  Image grey(16, 16);
  for (std::size_t i = 0; i < grey.rgb.size(); ++i) grey.rgb[i] = static_cast<std::uint8_t>(i / 3);
  std::vector<std::uint8_t> bytes;
  encode_picture(Codec::kYuv420, 0, grey, bytes);
  EXPECT_EQ(bytes.size(), 16u * 16u * 3 / 2);
  Image back;
  ASSERT_TRUE(decode_picture(Codec::kYuv420, bytes, 16, 16, back));
  EXPECT_EQ(back.rgb, grey.rgb);
}

TEST(FrameCacheCodecTest, BytesThatAreNoSuchPictureAreRefused) {
  const auto image = smooth(30, 20);
  Random random({3});
  for (const auto codec : {Codec::kRaw, Codec::kYuv420, Codec::kJpeg}) {
    std::vector<std::uint8_t> bytes;
    encode_picture(codec, 90, image, bytes);
    Image back;
    EXPECT_FALSE(decode_picture(codec, bytes, 31, 20, back));
    EXPECT_FALSE(decode_picture(codec, bytes, 30, 1'000'000'000, back));
    EXPECT_FALSE(decode_picture(codec, bytes, 0, 20, back));
    EXPECT_FALSE(decode_picture(codec, {}, 30, 20, back));
    EXPECT_FALSE(decode_picture(codec, std::span(bytes).first(bytes.size() / 2), 30, 20, back));
    for (int i = 0; i < 300; ++i) {  // whatever comes of it, it comes back
      auto damaged = bytes;
      damaged[random.below(damaged.size())] = static_cast<std::uint8_t>(random.next());
      decode_picture(codec, damaged, 30, 20, back);
    }
  }
}

TEST(FrameCacheCodecTest, AFrameIsThePictureInPlanes) {
  const auto image = smooth(21, 21);
  for (const auto codec : {Codec::kYuv420, Codec::kJpeg}) {
    std::vector<std::uint8_t> bytes, planes(image.rgb.size()), expected(image.rgb.size());
    encode_picture(codec, 80, image, bytes);
    Image back, scratch;
    ASSERT_TRUE(decode_picture(codec, bytes, 21, 21, back));
    picture_to_planes(back, expected.data());
    ASSERT_TRUE(decode_frame(codec, bytes, 21, planes.data(), scratch));
    EXPECT_EQ(planes, expected);
    EXPECT_FALSE(decode_frame(codec, bytes, 20, planes.data(), scratch));
  }
}

TEST(FrameCacheCodecTest, PlanesAndRowsAreTheSamePicture) {
  const auto image = smooth(5, 5);
  std::vector<std::uint8_t> planes(75);
  picture_to_planes(image, planes.data());
  EXPECT_EQ(planes[0], image.rgb[0]);
  EXPECT_EQ(planes[25 + 7], image.row(1)[2 * 3 + 1]);
  Image back;
  planes_to_picture(planes.data(), 5, back);
  EXPECT_EQ(back.rgb, image.rgb);
}

}  // namespace
}  // namespace glint::test
