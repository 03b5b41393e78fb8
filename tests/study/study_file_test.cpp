#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <ctime>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/machine_name.h"
#include "glint/study/cell_claim.h"
#include "glint/study/shipped.h"
#include "glint/study/study.h"
#include "glint/study/study_report.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class StudyFileTest : public testing::Test {
 protected:
  Study read(const std::string& text) {
    write_file(folder_ / "s.yaml", text);
    return read_study(folder_ / "s.yaml");
  }
  std::string error_of(const std::string& text) {
    try {
      read(text);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  TemporaryFolder folder_;
};

TEST_F(StudyFileTest, HoldsArmsSeedsAndSweeps) {
  const auto study = read(
      "study: s\nbase: b.yaml\nset: {train: {epochs: 2}, data.val_split: \"\"}\nseeds: [2, 1]\n"
      "arms:\n  full: {}\n  other: {base: c.yaml, head.alpha: 0, seeds: 7}\n"
      "vary: {video.num_frames: [4, 12]}\nevaluate_on: [x/m.yaml, y/m.yaml]\nmeasure: [accuracy, cost]\n");
  EXPECT_EQ(study.folder(), "runs/s");
  EXPECT_THAT(study.settings, ElementsAre("train.epochs=2", "data.val_split="));
  ASSERT_EQ(study.arms.size(), 2);
  EXPECT_THAT(study.arms[0].seeds, ElementsAre(2, 1));
  EXPECT_EQ(study.arms[1].base, "c.yaml");
  EXPECT_THAT(study.arms[1].seeds, ElementsAre(7));
  EXPECT_THAT(study.arms[1].settings, ElementsAre("head.alpha=0"));
  ASSERT_EQ(study.sweeps.size(), 1);
  EXPECT_THAT(study.sweeps[0].values, ElementsAre("4", "12"));
  ASSERT_EQ(study.evaluate_on.size(), 2);
  EXPECT_EQ(study.evaluate_on[1].name, "y_m");
}

TEST_F(StudyFileTest, NamesTheLineOfWhatIsWrong) {
  const std::string good = "study: s\nbase: b.yaml\nseeds: [1]\n";
  EXPECT_THAT(error_of(good + "arms: {a: {}}\nvari: {x.y: [1]}\n"), HasSubstr("(line 5): there is no 'vari'"));
  EXPECT_THAT(error_of(good + "arms: {../a: {}}\n"), HasSubstr("cannot name a folder"));
  EXPECT_THAT(error_of(good + "arms: {a: {train.seed: 3}}\n"), HasSubstr("'seeds' lists the seeds"));
  EXPECT_THAT(error_of(good + "arms: {a: {run.dir: x}}\n"), HasSubstr("its own folder"));
  EXPECT_THAT(error_of(good + "arms: {a: {optim.lr: [1, 2]}}\n"), HasSubstr("'vary' tries several values"));
  EXPECT_THAT(error_of(good), HasSubstr("has no 'arms'"));
  EXPECT_THAT(error_of("study: s\nseeds: [1]\narms: {a: {}}\n"), HasSubstr("has no base"));
  EXPECT_THAT(error_of("study: s\nbase: b\nseeds: [1, 1]\narms: {a: {}}\n"), HasSubstr("1 stands twice"));
  EXPECT_THAT(error_of("study: s\nbase: b\nseeds: [x]\narms: {a: {}}\n"), HasSubstr("'x' is no seed"));
  EXPECT_THAT(error_of(good + "arms: {a: {}}\nmeasure: [speed]\n"), HasSubstr("there is no 'speed'"));
  EXPECT_THAT(error_of(good + "arms: {a: {}}\nmetric: t2v/MnR\nmeasure: [convergence]\n"),
              HasSubstr("(line 5): metric: t2v/MnR falls"));
  EXPECT_THAT(error_of("- 1\n- 2\n"), HasSubstr("is no study file"));
}

TEST_F(StudyFileTest, EveryShippedStudyCanBeRead) {
  for (const auto& name : shipped_studies()) {
    const auto study = read(shipped_study(name, ""));
    EXPECT_EQ(study.name, name + "_demo");
    EXPECT_THAT(study.arms.front().seeds, ElementsAre(1, 2, 3));
  }
  EXPECT_THROW(shipped_study("losess", ""), Error);
}

TEST(CellClaimTest, OneHolderAtATimeAndTheLeaseGoesWithIt) {
  const TemporaryFolder folder;
  const auto cell = folder / "cell";
  auto claim = CellClaim::take(cell);
  ASSERT_TRUE(claim);
  EXPECT_TRUE(CellClaim::holder(cell));
  EXPECT_FALSE(CellClaim::take(cell));
  claim.reset();
  EXPECT_FALSE(CellClaim::holder(cell));
  EXPECT_TRUE(CellClaim::take(cell));
}

TEST(CellClaimTest, ALeaseOfADeadProcessIsTakenOverAndOneOfAnotherMachineIsNotYet) {
  const TemporaryFolder folder;
  write_file(folder / "lease.json", R"({"machine": "elsewhere", "process": 1, "started": 5})");
  EXPECT_TRUE(CellClaim::holder(folder / "."));
  EXPECT_FALSE(CellClaim::take(folder / "."));
  // Not renewed for three minutes; cut short by a crash.
  for (const std::string text : {R"({"machine": "elsewhere", "process": 1, "started": 5})", "{\"mach", ""}) {
    write_file(folder / "lease.json", text);
    const timespec old = {.tv_sec = time(nullptr) - 180, .tv_nsec = 0}, times[] = {old, old};
    ASSERT_EQ(utimensat(AT_FDCWD, (folder / "lease.json").c_str(), times, 0), 0);
    EXPECT_FALSE(CellClaim::holder(folder / "."));
    EXPECT_TRUE(CellClaim::take(folder / ".")) << text;
  }
  // A process of this machine that is not there, renewed just now.
  write_file(folder / "lease.json", "{\"machine\": \"" + machine_name() + "\", \"process\": 4194303, \"started\": 5}");
  EXPECT_TRUE(CellClaim::take(folder / "."));
}

// A difference whose variance must fall to a quarter takes four times of what it comes from.
TEST(NeededDataTest, FallsWithTheSquareOfTheDifference) {
  const double found = 1.959964 + 0.841621;
  const auto queries = needed_data(0.5 * found, 1, 100, 0, 3);
  EXPECT_EQ(queries.queries, 400);
  const auto seeds = needed_data(0.5 * found, 0, 100, 1, 3);
  EXPECT_EQ(seeds.seeds, 12);
  EXPECT_FALSE(seeds.queries);  // the seeds alone vary too much
}

}  // namespace
}  // namespace glint::test
