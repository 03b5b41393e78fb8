#include "train/run_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "glint/core/atomic_file.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::internal::CaptureStderr;
using testing::internal::GetCapturedStderr;

class RunLogTest : public testing::Test {
 protected:
  RunLogTest() {
    config_.run.dir = folder_.path().string();
    config_.data.val_split = "val";
    config_.train.batch_size = 6;
  }
  RunLog log(int64_t done = 0) const {
    const std::vector<ParameterGroup> groups = {{"filled", 1, 0, {{"weight", torch::Tensor()}}}, {"empty", 1, 0, {}}};
    return RunLog(config_, groups, MachineUse(config_.train, torch::kCPU), done, /*steps=*/100);
  }
  nlohmann::ordered_json line() const { return nlohmann::ordered_json::parse(read_file(folder_ / "metrics.jsonl")); }
  static std::vector<std::string> keys(const nlohmann::ordered_json& line) {
    std::vector<std::string> names;
    for (const auto& [name, value] : line.items()) names.push_back(name);
    return names;
  }

  TemporaryFolder folder_;
  Config config_;
};

StepStats some_step() {
  return {.step = 7, .epoch = 2, .losses = {3.5, {{"nce", 3}, {"icl", 0.5}}}, .norms = {1.25, {1.25, 0}}, .lr = 0.25};
}

LapTimer some_timer() {
  LapTimer timer;
  for (const auto* part : {"wait", "towers", "backward", "optimizer"}) timer.lap(part);
  return timer;
}

TEST_F(RunLogTest, AStepIsOneLineWithTheNormsOfTheGroupsThatHaveParameters) {
  log().step(some_step(), /*logit_scale=*/99, some_timer());
  EXPECT_THAT(keys(line()),
              ElementsAre("step", "epoch", "loss", "nce", "icl", "lr", "grad_norm", "grad_norm/filled", "logit_scale",
                          "samples_per_s", "data_wait", "seconds/wait", "seconds/towers", "seconds/backward",
                          "seconds/optimizer", "tower_gflops", "share_of_peak", "peak_mb"));
  EXPECT_THAT(line().dump(), HasSubstr(R"({"step":7,"epoch":2,"loss":3.5,"nce":3,"icl":0.5,"lr":0.25,)"
                                       R"("grad_norm":1.25,"grad_norm/filled":1.25,"logit_scale":99,)"));
  EXPECT_GE(line().at("data_wait"), 0);
  EXPECT_LE(line().at("data_wait"), 1);
}

TEST_F(RunLogTest, AStepWhoseLossesWereMeasuredNamesTheNormOfEach) {
  auto stats = some_step();
  stats.part_norms = {{"nce", 1.2}, {"icl", 0.3}};
  log().step(stats, /*logit_scale=*/99, some_timer());
  EXPECT_THAT(line().dump(),
              HasSubstr(R"("grad_norm/filled":1.25,"loss_grad_norm/nce":1.2,"loss_grad_norm/icl":0.3,)"));
}

TEST_F(RunLogTest, AStepThatWasLeftOutSaysSoAndItsLossScale) {
  auto stats = some_step();
  stats.verdict = StepVerdict::kOverflowed;
  stats.loss_scale = 1024;
  log().step(stats, /*logit_scale=*/99, some_timer());
  EXPECT_EQ(line().at("left_out"), 1);
  EXPECT_EQ(line().at("loss_scale"), 1024);
}

TEST_F(RunLogTest, AValidationNamesItsSplitAndWhetherItWasTheBest) {
  Evaluation result;
  result.t2v = {.r1 = 12.345, .r5 = 30, .r10 = 40, .median_rank = 8, .mean_rank = 9.5};
  result.v2t = {.r1 = 11, .r5 = 31, .r10 = 41, .median_rank = 7, .mean_rank = 8.5};
  result.skipped.resize(2);
  TrainState state;
  state.step = 20;
  state.best_step = 20;
  CaptureStderr();
  log().validation(result, state, /*steps_per_epoch=*/8);
  EXPECT_EQ(GetCapturedStderr(), "epoch 2.5, val: t2v R@1 12.35, R@5 30, MnR 9.5 (best)\n");
  EXPECT_EQ(line().dump(),
            R"({"split":"val","step":20,"epoch":2.5,"t2v/R@1":12.345,"t2v/R@5":30,"t2v/R@10":40,"t2v/MdR":8,)"
            R"("t2v/MnR":9.5,"v2t/R@1":11,"v2t/R@5":31,"v2t/R@10":41,"v2t/MdR":7,"v2t/MnR":8.5,"skipped":2})");
  state.best_step = 10;
  CaptureStderr();
  log().validation(result, state, /*steps_per_epoch=*/10);
  EXPECT_EQ(GetCapturedStderr(), "epoch 2, val: t2v R@1 12.35, R@5 30, MnR 9.5\n");
}

TEST_F(RunLogTest, AValidationTellsTheMetricThatChoosesTheCheckpoint) {
  config_.train.select = "RSum";
  Evaluation result;
  result.t2v.rsum = 82.5;
  result.v2t.rsum = 83;
  TrainState state;
  state.step = 20;
  CaptureStderr();
  log().validation(result, state, /*steps_per_epoch=*/10);
  EXPECT_EQ(GetCapturedStderr(), "epoch 2, val: RSum 165.5, t2v R@1 0, R@5 0, MnR 0\n");
  EXPECT_EQ(line().at("RSum"), 165.5);
}

TEST_F(RunLogTest, AStepWithHalfTheWorkUsesHalfTheMachine) {
  const MachineUse use(config_.train, torch::kCPU);
  const auto timer = some_timer();
  const auto whole = use.of(timer, 4e9), half = use.of(timer, 2e9);
  for (const std::size_t i : {0, 1}) {  // tower_gflops, share_of_peak
    EXPECT_GT(whole[i].second, 0);
    EXPECT_DOUBLE_EQ(half[i].second, whole[i].second / 2) << half[i].first;
  }
}

}  // namespace
}  // namespace glint::test
