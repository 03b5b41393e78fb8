#include "glint/media/picture_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/media/contact_sheet.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

Image gradient(int width, int height) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.row(y)[x * 3] = static_cast<std::uint8_t>(x * 7);
      image.row(y)[x * 3 + 1] = static_cast<std::uint8_t>(y * 11);
      image.row(y)[x * 3 + 2] = static_cast<std::uint8_t>(x * y);
    }
  }
  return image;
}

TEST(PictureFileTest, WhatIsWrittenIsReadBackAtAnySize) {
  const TemporaryFolder folder;
  for (const auto& [width, height] : {std::pair{1, 1}, {17, 31}, {64, 3}, {5, 200}, {128, 96}}) {
    const auto image = gradient(width, height);
    write_png(folder / "a.png", image);
    const auto back = read_picture(folder / "a.png");
    EXPECT_EQ(back.width, width);
    EXPECT_EQ(back.height, height);
    EXPECT_EQ(back.rgb, image.rgb) << width << "x" << height;
  }
}

TEST(PictureFileTest, WhatIsNoPictureIsNamed) {
  const TemporaryFolder folder;
  EXPECT_THAT([&] { read_picture(folder / "none.png"); }, ThrowsMessage<Error>(HasSubstr("none.png")));
  for (const std::string bytes : {"", "not a picture"}) {
    write_file(folder / "bad.png", bytes);
    EXPECT_THAT([&] { read_picture(folder / "bad.png"); },
                ThrowsMessage<Error>(AllOf(HasSubstr("bad.png"), HasSubstr("PNG"))));
  }
  write_png(folder / "whole.png", gradient(200, 100));
  const auto whole = read_file(folder / "whole.png");
  write_file(folder / "cut.png", whole.substr(0, 20));
  EXPECT_THAT([&] { read_picture(folder / "cut.png"); }, ThrowsMessage<Error>(HasSubstr("cut.png")));
}

TEST(ContactSheetTest, EachFrameFillsItsOwnCellWithWordsBelow) {
  ContactSheet sheet(5, 320, 240);
  const auto empty = sheet.image().rgb;
  Image white(320, 240);
  std::fill(white.rgb.begin(), white.rgb.end(), 255);
  std::size_t before = 0;
  for (int i = 0; i < 5; ++i) {
    sheet.add(white, std::to_string(i) + ":  1.500 s");
    std::size_t changed = 0, drawn = 0;
    for (std::size_t at = 0; at < empty.size(); ++at) {
      drawn += sheet.image().rgb[at] == 255 ? 1 : 0;
      changed += sheet.image().rgb[at] != empty[at] ? 1 : 0;
    }
    EXPECT_EQ(drawn, (i + 1) * 240U * 180 * 3);   // the picture, in its shape
    EXPECT_GT(changed, before + 240U * 180 * 3);  // and the words
    before = changed;
  }
  EXPECT_THROW(sheet.add(white, "one too many"), Bug);
}

TEST(ContactSheetTest, AnyShapeAndNumberFits) {
  for (const auto& [width, height] : {std::pair{2, 2}, {4000, 10}, {10, 4000}, {161, 121}}) {
    ContactSheet sheet(3, width, height);
    for (int i = 0; i < 3; ++i) sheet.add(gradient(i == 1 ? height : width, i == 1 ? width : height), "0:  0.000 s");
    EXPECT_LT(sheet.image().rgb.size(), 3'000'000U);
  }
  EXPECT_NO_THROW(ContactSheet(2000, 1920, 1080));
  EXPECT_THAT([] { ContactSheet(2001, 1920, 1080); }, ThrowsMessage<Error>(HasSubstr("2001")));
}

}  // namespace
}  // namespace glint::test
