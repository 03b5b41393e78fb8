#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numbers>

#include "glint/core/atomic_file.h"
#include "glint/media/plain_reader.h"
#include "glint/media/video_reader.h"
#include "glint/media/video_writer.h"
#include "media/orientation.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using media::Orientation;
using Turn = std::array<int, 4>;  // a, b, c, d: the point (x, y) is shown at (a x + c y, b x + d y)

constexpr std::array<Turn, 8> kAllEight = {{{1, 0, 0, 1},
                                            {0, 1, -1, 0},
                                            {-1, 0, 0, -1},
                                            {0, -1, 1, 0},
                                            {-1, 0, 0, 1},
                                            {1, 0, 0, -1},
                                            {0, 1, 1, 0},
                                            {0, -1, -1, 0}}};

std::vector<std::int32_t> matrix_of(double a, double b, double c, double d) {
  const auto fixed = [](double value) { return static_cast<std::int32_t>(std::lround(value * 65536)); };
  return {fixed(a), fixed(b), 0, fixed(c), fixed(d), 0, 0, 0, 1 << 30};
}
std::vector<std::int32_t> matrix_of(const Turn& turn) {
  return matrix_of(turn[0], turn[1], turn[2], turn[3]);
}
std::vector<std::int32_t> rotated(double degrees) {
  const double angle = degrees * std::numbers::pi / 180;
  return matrix_of(std::cos(angle), std::sin(angle), -std::sin(angle), std::cos(angle));
}

// By the matrix's own words, pixel for pixel.
Image shown_by(const Turn& turn, const Image& stored) {
  const auto [a, b, c, d] = turn;
  const int width = a != 0 ? stored.width : stored.height, height = a != 0 ? stored.height : stored.width;
  Image shown(width, height);
  for (int y = 0; y < stored.height; ++y) {
    for (int x = 0; x < stored.width; ++x) {
      const int to_x = a * x + c * y, to_y = b * x + d * y;
      const int column = a + c < 0 ? to_x + width - 1 : to_x, row = b + d < 0 ? to_y + height - 1 : to_y;
      std::copy_n(stored.row(y) + x * 3, 3, shown.row(row) + column * 3);
    }
  }
  return shown;
}

std::string write_video(const std::filesystem::path& path, const std::vector<std::int32_t>& matrix) {
  VideoWriterOptions options;
  options.width = 96;
  options.height = 64;
  options.display_matrix = matrix;
  VideoWriter writer(path.string(), options);
  Image image(96, 64);
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 96; ++x) {
      image.row(y)[x * 3] = static_cast<std::uint8_t>(x * 2);
      image.row(y)[x * 3 + 1] = static_cast<std::uint8_t>(y * 3);
    }
  }
  for (int time = 0; time < 3; ++time) writer.add(image, time);
  writer.finish();
  return path.string();
}

Image read_one(const std::string& path, bool apply_rotation, VideoInfo* info = nullptr) {
  ReaderOptions options;
  options.apply_rotation = apply_rotation;
  VideoReader reader(path, options);
  if (info != nullptr) *info = reader.info();
  Image result;
  reader.read_frames({1}, [&](std::size_t, const Image& image) { result = image; });
  return result;
}

Image read_plainly(const std::string& path, bool apply_rotation) {
  ReaderOptions options;
  options.apply_rotation = apply_rotation;
  PlainReader reader(path, options);
  EXPECT_TRUE(reader.next() && reader.next());
  return reader.image();
}

TEST(DisplayMatrixTest, EachOfTheEightShowsEveryPixelWhereItSays) {
  const TemporaryFolder folder;
  for (std::size_t i = 0; i < kAllEight.size(); ++i) {
    for (const char* extension : {".mp4", ".mov"}) {
      SCOPED_TRACE(std::to_string(i) + extension);
      const auto path = write_video(folder / (std::to_string(i) + extension), matrix_of(kAllEight[i]));
      VideoInfo info;
      const Image stored = read_one(path, false, &info);
      EXPECT_EQ(stored.width, 96);
      EXPECT_EQ(info.width, 96);
      const Image expected = shown_by(kAllEight[i], stored), shown = read_one(path, true, &info);
      EXPECT_EQ(shown.width, expected.width);
      EXPECT_EQ(info.width, expected.width);
      EXPECT_EQ(info.height, expected.height);
      EXPECT_EQ(info.mirrored, i >= 4);
      EXPECT_TRUE(shown.rgb == expected.rgb);
      EXPECT_TRUE(read_plainly(path, true).rgb == expected.rgb);
      EXPECT_TRUE(read_plainly(path, false).rgb == stored.rgb);
    }
  }
}

TEST(DisplayMatrixTest, AnyOtherMatrixGivesTheNearestOfTheEight) {
  const auto orientation = [](const std::vector<std::int32_t>& matrix) { return media::orientation_of(matrix.data()); };
  EXPECT_EQ(orientation(rotated(44)), (Orientation{false, 0}));
  EXPECT_EQ(orientation(rotated(45)), (Orientation{false, 90}));
  EXPECT_EQ(orientation(rotated(135)), (Orientation{false, 180}));
  EXPECT_EQ(orientation(rotated(225)), (Orientation{false, 270}));
  EXPECT_EQ(orientation(rotated(315)), (Orientation{false, 0}));
  EXPECT_EQ(orientation(rotated(-80)), (Orientation{false, 270}));
  EXPECT_EQ(orientation(matrix_of(0, 2, -0.5, 0)), (Orientation{false, 90}));  // stretched
  EXPECT_EQ(orientation(matrix_of(-2, 0.1, 0, 1)), (Orientation{true, 0}));    // sheared and mirrored
  EXPECT_EQ(orientation(matrix_of(1, 0, 0.2, -3)), (Orientation{true, 180}));
}

TEST(DisplayMatrixTest, AMatrixWithoutInverseChangesNothing) {
  const TemporaryFolder folder;
  int number = 0;
  for (const auto& matrix :
       {matrix_of(0, 0, 0, 0), matrix_of(0, 1, 0, 0), matrix_of(1, 1, 1, 1), std::vector<std::int32_t>(9, INT32_MIN)}) {
    EXPECT_EQ(media::orientation_of(matrix.data()), Orientation{}) << number;
    const auto path = write_video(folder / (std::to_string(number++) + ".mp4"), matrix);
    EXPECT_TRUE(read_one(path, true).rgb == read_one(path, false).rgb);
  }
}

TEST(DisplayMatrixTest, LargestNumbersDoNotOverflow) {
  const auto orientation = [](std::int32_t a, std::int32_t b, std::int32_t c, std::int32_t d) {
    const std::int32_t matrix[9] = {a, b, 0, c, d, 0, 0, 0, 1 << 30};
    return media::orientation_of(matrix);
  };
  EXPECT_EQ(orientation(INT32_MIN, 0, 0, INT32_MIN), (Orientation{false, 180}));
  EXPECT_EQ(orientation(INT32_MIN, 0, 0, INT32_MAX), (Orientation{true, 0}));
  EXPECT_EQ(orientation(0, INT32_MAX, INT32_MIN, 0), (Orientation{false, 90}));
}

// The field's cases: a left half and a right half, an upper and a lower one.
TEST(DisplayMatrixTest, TheFieldsMirroredFilesAreMirrored) {
  const auto shared = shared_dir();
  if (!shared || !std::filesystem::exists(*shared / "data" / "field")) GTEST_SKIP() << kNoSharedDir;
  const auto folder = *shared / "data" / "field";
  for (const auto& [name, turn] : {std::pair{"hflip.mp4", kAllEight[4]}, std::pair{"vflip.mp4", kAllEight[5]}}) {
    const auto path = (folder / name).string();
    EXPECT_TRUE(read_one(path, true).rgb == shown_by(turn, read_one(path, false)).rgb) << name;
  }
}

}  // namespace
}  // namespace glint::test
