#include "glint/media/frame_sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "glint/core/error.h"
#include "glint/core/random.h"

namespace glint {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Indices = std::vector<std::int64_t>;

std::vector<double> even_times(std::size_t count, double fps, double first_s = 0) {
  std::vector<double> times(count);
  for (std::size_t i = 0; i < count; ++i) times[i] = first_s + static_cast<double>(i) / fps;
  return times;
}

Indices sample(SamplingPolicy policy, const std::vector<double>& times, double fps, const SamplingRequest& request) {
  const double duration_s = times.empty() ? 0 : times.back() - times.front() + (fps > 0 ? 1 / fps : 0);
  return sample_frames(policy, {&times, fps, duration_s}, request);
}

TEST(FrameSamplerTest, EveryPolicyHasItsNameAndAnotherNameIsRefused) {
  EXPECT_EQ(sampling_policy("uniform_3fps"), SamplingPolicy::kUniform3Fps);
  EXPECT_EQ(sampling_policy("clip4clip"), SamplingPolicy::kClip4Clip);
  EXPECT_EQ(sampling_policy("glscl"), SamplingPolicy::kGlscl);
  EXPECT_EQ(sampling_policy("xpool"), SamplingPolicy::kXpool);
  try {
    sampling_policy("uniform");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("'uniform'"));
  }
}

TEST(FrameSamplerTest, Uniform3FpsTakesTheFrameOnScreenAtEachThirdOfASecond) {
  EXPECT_THAT(sample(SamplingPolicy::kUniform3Fps, even_times(25, 25), 25, {}), ElementsAre(0, 8, 16));
  // Times that a container rounded to milliseconds: 0.667 is after 2/3, where the frame before it is still on screen.
  EXPECT_THAT(sample(SamplingPolicy::kUniform3Fps, {0, 0.333, 0.667}, 3, {}), ElementsAre(0, 1, 1, 2));
  // 1/3 s as a clock of a million ticks has it.
  EXPECT_THAT(sample(SamplingPolicy::kUniform3Fps, {0, 0.333333, 0.666667}, 3, {}), ElementsAre(0, 1, 2));
}

TEST(FrameSamplerTest, Uniform3FpsSpreadsAndFollowsAVariableFrameRate) {
  // 10 s are 30 grid times; 4 of them: numbers 0, 9, 19, 29.
  EXPECT_THAT(sample(SamplingPolicy::kUniform3Fps, even_times(300, 30), 30, {.num_frames = 4}),
              ElementsAre(0, 90, 190, 290));
  // A gap of 2 s keeps the frame before it on screen.
  EXPECT_THAT(sample(SamplingPolicy::kUniform3Fps, {0, 0.1, 2.1, 2.2}, 10, {}), ElementsAre(0, 1, 1, 1, 1, 1, 1));
}

TEST(FrameSamplerTest, TimesCountFromTheFirstFrame) {
  const SamplingRequest request = {.start_s = 1, .end_s = 2};
  for (const auto policy : {SamplingPolicy::kUniform3Fps, SamplingPolicy::kXpool}) {
    EXPECT_EQ(sample(policy, even_times(90, 30, 1.467), 30, request), sample(policy, even_times(90, 30), 30, request));
  }
}

TEST(FrameSamplerTest, XpoolTakesTheMiddlesAndRepeatsTheLastFrameOfAShortClip) {
  EXPECT_THAT(sample(SamplingPolicy::kXpool, even_times(100, 25), 25, {.num_frames = 4}), ElementsAre(12, 37, 62, 87));
  EXPECT_THAT(sample(SamplingPolicy::kXpool, even_times(3, 25), 25, {.num_frames = 5}), ElementsAre(0, 1, 2, 2, 2));
  EXPECT_THAT(sample(SamplingPolicy::kXpool, even_times(100, 25), 25, {.num_frames = 2, .start_s = 1, .end_s = 3}),
              ElementsAre(37, 62));
}

TEST(FrameSamplerTest, XpoolTakesTheLowerMiddleOfAPieceOfEvenLength) {
  // As released: a piece runs from its border to the one before the next, [0, 1] and not [0, 2].
  EXPECT_THAT(sample(SamplingPolicy::kXpool, even_times(8, 25), 25, {.num_frames = 4}), ElementsAre(0, 2, 4, 6));
  // Borders 0, 3, 6, 10: two odd pieces and an even one.
  EXPECT_THAT(sample(SamplingPolicy::kXpool, even_times(10, 25), 25, {.num_frames = 3}), ElementsAre(1, 4, 7));
}

TEST(FrameSamplerTest, OneStillPictureGivesItsOneFrame) {
  for (const auto policy : {SamplingPolicy::kUniform3Fps, SamplingPolicy::kClip4Clip, SamplingPolicy::kGlscl}) {
    EXPECT_THAT(sample(policy, {0.5}, 25, {}), ElementsAre(0));
  }
  EXPECT_THAT(sample(SamplingPolicy::kUniform3Fps, {0.5}, /*fps=*/0, {}), ElementsAre(0));
}

TEST(FrameSamplerTest, WhatNoPolicyCanDivideIsAnErrorThatNamesTheValue) {
  const auto times = even_times(10, 0.4);
  const auto message = [&](SamplingPolicy policy, double fps, const SamplingRequest& request) -> std::string {
    try {
      sample(policy, times, fps, request);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(message(SamplingPolicy::kClip4Clip, 0.4, {}), HasSubstr("0.4"));
  EXPECT_THAT(message(SamplingPolicy::kClip4Clip, NAN, {}), HasSubstr("nan"));
  EXPECT_THAT(message(SamplingPolicy::kClip4Clip, 25, {.fps = 1.5}), HasSubstr("video.fps 1.5"));
  EXPECT_THAT(message(SamplingPolicy::kClip4Clip, 2, {.fps = 3}), HasSubstr("video.fps 3"));
  EXPECT_THAT(message(SamplingPolicy::kGlscl, 0.4, {}), HasSubstr("0.4"));
  EXPECT_THAT(message(SamplingPolicy::kGlscl, 0, {}), HasSubstr("video.fps 1"));
  EXPECT_THAT(message(SamplingPolicy::kXpool, 25, {.fps = 0}), HasSubstr("video.fps 0"));
  EXPECT_THAT(message(SamplingPolicy::kUniform3Fps, 25, {.start_s = NAN}), HasSubstr("nan"));
}

// What holds for every file, policy and window.
void expect_sane(SamplingPolicy policy, const SampledVideo& video, const SamplingRequest& request) {
  const auto frames = sample_frames(policy, video, request);
  const auto count = std::ssize(*video.frame_times);
  EXPECT_LE(std::ssize(frames), request.num_frames);
  EXPECT_TRUE(std::is_sorted(frames.begin(), frames.end()));
  if (!frames.empty()) {
    EXPECT_GE(frames.front(), 0);
    EXPECT_LT(frames.back(), count);
  }
  const bool may_repeat = policy == SamplingPolicy::kUniform3Fps || policy == SamplingPolicy::kXpool;
  EXPECT_TRUE(may_repeat || std::adjacent_find(frames.begin(), frames.end()) == frames.end());
  EXPECT_TRUE(policy != SamplingPolicy::kXpool || frames.empty() || std::ssize(frames) == request.num_frames);
  EXPECT_TRUE(!frames.empty() || count == 0 || request.start_s || request.end_s);
}

TEST(FrameSamplerTest, FramesAreAscendingInRangeAndNoMoreThanAsked) {
  Random random({7});
  for (int round = 0; round < 4000; ++round) {
    const double fps = random.chance(0.5) ? 1 + static_cast<double>(random.below(60)) : random.uniform(1, 60);
    std::vector<double> times = even_times(random.below(400), fps, random.uniform(0, 2));
    for (auto& time : times) time += random.uniform(0, 0.5 / fps);  // uneven, still ascending
    SamplingRequest request = {.num_frames = 1 + static_cast<std::int64_t>(random.below(70))};
    request.slice = static_cast<Slice>(random.below(3));
    if (random.chance(0.7)) request.start_s = random.uniform(-3, 20);
    if (random.chance(0.7)) request.end_s = random.uniform(-3, 20);
    const SampledVideo video = {&times, fps, static_cast<double>(times.size()) / fps};
    for (int policy = 0; policy < 4; ++policy) expect_sane(static_cast<SamplingPolicy>(policy), video, request);
  }
}

TEST(FrameSamplerTest, FramesOfAWindowLieInIt) {
  const auto times = even_times(500, 25);
  for (const double start_s : {0.0, 2.0, 7.0, 18.0}) {
    for (const auto policy : {SamplingPolicy::kUniform3Fps, SamplingPolicy::kGlscl, SamplingPolicy::kXpool}) {
      const auto frames = sample(policy, times, 25, {.start_s = start_s, .end_s = start_s + 2});
      ASSERT_FALSE(frames.empty());
      EXPECT_GE(times[static_cast<std::size_t>(frames.front())], start_s);
      EXPECT_LE(times[static_cast<std::size_t>(frames.back())], start_s + 2);
      // Reversed, the same window.
      EXPECT_EQ(sample(policy, times, 25, {.start_s = start_s + 2, .end_s = start_s}), frames);
    }
  }
  for (int policy = 0; policy < 4; ++policy) {
    EXPECT_THAT(sample(static_cast<SamplingPolicy>(policy), times, 25, {.start_s = 30, .end_s = 40}), IsEmpty());
  }
}

TEST(FrameSamplerTest, AClipCutToItsFirstSecondsIsThatWindow) {
  const auto times = even_times(500, 25);  // 20 s
  for (int i = 0; i < 4; ++i) {
    const auto policy = static_cast<SamplingPolicy>(i);
    EXPECT_EQ(sample(policy, times, 25, {.max_s = 3}), sample(policy, times, 25, {.end_s = 3}));
    EXPECT_EQ(sample(policy, times, 25, {.start_s = 4, .end_s = 18, .max_s = 5}),
              sample(policy, times, 25, {.start_s = 4, .end_s = 9}));
    EXPECT_EQ(sample(policy, times, 25, {.start_s = 18, .end_s = 4, .max_s = 5}),  // reversed
              sample(policy, times, 25, {.start_s = 4, .end_s = 9}));
    EXPECT_NE(sample(policy, times, 25, {.max_s = 3}), sample(policy, times, 25, {}));
    for (const double more_s : {20.0, 21.0, 1e9}) {
      EXPECT_EQ(sample(policy, times, 25, {.max_s = more_s}), sample(policy, times, 25, {}));
      EXPECT_EQ(sample(policy, times, 25, {.start_s = 4, .end_s = 9, .max_s = more_s}),
                sample(policy, times, 25, {.start_s = 4, .end_s = 9}));
    }
    EXPECT_THROW(sample(policy, times, 25, {.max_s = 0}), Bug);
  }
  EXPECT_THAT(sample(SamplingPolicy::kGlscl, times, 25, {.max_s = 3}), ElementsAre(0, 25, 50, 75));
  EXPECT_THAT(sample(SamplingPolicy::kUniform3Fps, times, 25, {.max_s = 0.5}), ElementsAre(0, 8));
}

TEST(FrameSamplerTest, MonstrousNumbersNeitherHangNorOverflow) {
  const std::vector<double> gap = {0, 1e12};
  const double huge = std::numeric_limits<double>::max();
  for (int i = 0; i < 4; ++i) {
    const auto policy = static_cast<SamplingPolicy>(i);
    expect_sane(policy, {&gap, 25, huge}, {.num_frames = 3});
    expect_sane(policy, {&gap, 9e8, 1e12}, {.num_frames = 3, .start_s = -huge, .end_s = huge});
    EXPECT_THAT(sample_frames(policy, {&gap, 25, 1e12}, {.start_s = huge, .end_s = INFINITY}), IsEmpty());
  }
}

}  // namespace
}  // namespace glint
