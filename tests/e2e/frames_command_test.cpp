#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "e2e/program.h"
#include "e2e/small_video.h"
#include "glint/core/error.h"
#include "glint/media/picture_file.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string made_video(const TemporaryFolder& folder) {
  const std::string path = folder / "clip & co.mp4";
  small_video(path);
  return path;
}

nlohmann::json frames_of(const ProgramResult& result) {
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return nlohmann::json::parse(result.out).at("frames");
}

TEST(FramesCommandTest, PrintsTheFramesAModelSeesOrAllOfThem) {
  const TemporaryFolder folder;
  const auto video = made_video(folder);
  const auto all = frames_of(run_program({"frames", video, "--all", "--json"}));
  ASSERT_EQ(all.size(), 50U);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(all[i].at("index"), i);
    EXPECT_NEAR(all[i].at("pts_s").get<double>(), (i < 40 ? i : i + 25) / 25.0, 1e-6);
  }
  const auto some = frames_of(run_program({"frames", video, "--json"}));  // 3 a second of 3 s
  ASSERT_EQ(some.size(), 9U);
  EXPECT_EQ(some[1].at("index"), 8);   // on screen at 1/3 s
  EXPECT_EQ(some[6].at("index"), 39);  // still on screen in the gap
  EXPECT_EQ(frames_of(run_program({"frames", video, "--fps", "10", "--num-frames", "100", "--json"})).size(), 30U);
  EXPECT_EQ(frames_of(run_program({"frames", video, "--num-frames", "4", "--json"})).size(), 4U);
}

TEST(FramesCommandTest, DrawsAContactSheet) {
  const TemporaryFolder folder;
  const auto result = run_program({"frames", made_video(folder), folder / "sheet.png"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("sheet.png"));
  EXPECT_GT(read_picture(folder / "sheet.png").width, 3 * 240);
}

TEST(FramesCommandTest, WhatCannotBeReadIsOneSentence) {
  const TemporaryFolder folder;
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"frames", folder / "none.mp4", "--json"}, {"frames", "/dev/null", "--all"}}) {
    const auto result = run_program(arguments);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_THAT(result.err, HasSubstr(arguments[1]));
  }
}

}  // namespace
}  // namespace glint::test
