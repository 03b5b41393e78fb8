#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "e2e/program.h"
#include "e2e/small_run.h"
#include "glint/core/atomic_file.h"
#include "glint/core/files.h"
#include "support/environment.h"

// Studies through the real program: small trainings on the small demo set.

namespace glint::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

// A folder to work in with a study file.
class StudyFolder {
 public:
  explicit StudyFolder(const std::string& rest, const std::vector<std::string>& settings = {}) {
    std::string text = "study: s\nbase: " + files::absolute("configs/demo.yaml").string() + "\nset:\n";
    auto words = small_settings();
    words.insert(words.end(), settings.begin(), settings.end());
    std::map<std::string, std::string> values;
    for (const auto& word : words) values[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
    for (const auto& [key, value] : values) text += "  " + key + ": \"" + value + "\"\n";
    write_file(folder_ / "s.yaml", text + rest);
  }

  ProgramOptions options() const { return {.folder = folder_ / "."}; }
  ProgramResult run(const std::vector<std::string>& words) const { return run_program(words, options()); }
  ProgramResult work(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"study", "work", "s.yaml"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  json cells() const { return json::parse(run({"study", "plan", "s.yaml", "--json"}).out); }
  fs::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  TemporaryFolder folder_;
};

std::vector<std::string> states(const json& cells) {
  std::vector<std::string> states;
  for (const auto& cell : cells) states.push_back(cell.at("state"));
  return states;
}

// Numbers alone: not when, where and how fast.
json numbers_of(const fs::path& results) {
  auto numbers = json::parse(read_file(results));
  for (const auto* key : {"encode_s", "score_s"}) numbers.erase(key);
  return numbers;
}

TEST(StudyTest, ACellIsTheTrainingThatItsWordsMakeByHand) {
  const StudyFolder study("arms: {glscl: {}, mean: {head.name: mean_pool}}\nseeds: [3]\n", {"train.epochs=1"});
  const auto worked = study.work();
  ASSERT_EQ(worked.exit_code, 0) << worked.err;
  const auto cells = study.cells();
  ASSERT_EQ(cells.size(), 2);
  EXPECT_THAT(states(cells), Each("done"));
  for (const auto& cell : cells) {
    std::vector<std::string> words = {"train", cell.at("base")};
    for (const auto& word : cell.at("words")) words.push_back(word);
    words.back() = "run.dir=by_hand_" + cell.at("arm").get<std::string>();
    ASSERT_EQ(study.run(words).exit_code, 0);
    const auto by_hand = words.back().substr(8);
    EXPECT_EQ(numbers_of(study / cell.at("folder") / "results.json"), numbers_of(study / by_hand / "results.json"));
    const auto evaluated = study.run({"eval", cell.at("folder"), "--json"});
    auto again = json::parse(evaluated.out);
    EXPECT_EQ(again.at("t2v"), numbers_of(study / cell.at("folder") / "results.json").at("t2v"));
    EXPECT_EQ(logged(study / cell.at("folder"), "loss"), logged(study / by_hand, "loss"));
  }
}

TEST(StudyTest, FourWorkersTrainEveryCellOnceAndOneFailureIsOneRow) {
  const StudyFolder study(
      "arms:\n  a: {}\n  b: {optim.lr: 5e-4}\n  broken: {data.train_split: nobody, seeds: [1]}\n"
      "seeds: [1, 2, 3, 4]\n",
      {"train.max_steps=1", "data.val_split=", "train.validate_every=0", "head.name=mean_pool"});
  std::vector<std::unique_ptr<Program>> workers;
  for (int i = 0; i < 4; ++i)
    workers.push_back(std::make_unique<Program>(std::vector<std::string>{"study", "work", "s.yaml"}, study.options()));
  std::size_t began = 0, failed = 0;
  std::int64_t done = 0;
  for (const auto& worker : workers) {
    const auto result = worker->wait();
    ASSERT_FALSE(result.timed_out);
    began += times_said(result.err, ": begins in ");
    failed += times_said(result.err, "error: broken, seed 1: ");
    done += std::stoll(result.out);
  }
  EXPECT_EQ(began, 9);
  EXPECT_EQ(failed, 1);
  EXPECT_EQ(done, 8);
  const auto cells = study.cells();
  const auto all = states(cells);
  EXPECT_EQ(std::count(all.begin(), all.end(), "done"), 8);
  EXPECT_EQ(cells.back().at("state"), "failed");
  EXPECT_THAT(cells.back().at("note").get<std::string>(), HasSubstr("nobody"));
  EXPECT_TRUE(cells.back().at("steps").is_null());
  const auto again = study.work();
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, Not(HasSubstr("begins in")));
  EXPECT_THAT(again.out, AllOf(HasSubstr("failed: broken, seed 1: "), HasSubstr("--retry")));
  EXPECT_EQ(times_said(study.work({"--retry"}).err, "begins in"), 1);
  const auto report = study.run({"study", "report", "s.yaml"});
  EXPECT_EQ(report.exit_code, 0);
  EXPECT_THAT(report.out,
              AllOf(HasSubstr("8 of 9 cells are done, 1 failed."), HasSubstr("| broken, seed 1 | failed |")));
}

TEST(StudyTest, AnotherWorkerGoesOnWhereOneWasKilled) {
  const StudyFolder study("arms: {a: {}, b: {head.name: mean_pool}}\nseeds: [1]\n",
                          {"train.epochs=8", "train.validate_every=0", "data.val_split=", "train.save_every=1"});
  const auto folder = study / study.cells().at(0).at("folder");
  Program killed({"study", "work", "s.yaml"}, study.options());
  const auto has_saved = [&] { return files::exists(folder / "checkpoints" / "last"); };
  while (!has_saved() && killed.running()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  ASSERT_TRUE(killed.running()) << killed.err();
  EXPECT_EQ(study.cells().at(0).at("state"), "running");
  const auto trainings = children_of(killed.pid());
  ASSERT_EQ(trainings.size(), 1);
  killed.send(SIGKILL);
  killed.wait();
  const auto next = study.work();
  EXPECT_EQ(next.exit_code, 0) << next.err;
  EXPECT_THAT(next.err, HasSubstr("going on from"));
  EXPECT_THAT(states(study.cells()), Each("done"));
  auto words = study.cells().at(0).at("words").get<std::vector<std::string>>();
  words.back() = "run.dir=unbroken";
  words.insert(words.begin(), {"train", study.cells().at(0).at("base")});
  ASSERT_EQ(study.run(words).exit_code, 0);
  EXPECT_EQ(logged(folder, "loss"), logged(study / "unbroken", "loss"));
}

TEST(StudyTest, ASignalSavesTheCellAndTheNextCallGoesOn) {
  const StudyFolder study("arms: {a: {}, b: {head.name: mean_pool}}\nseeds: [1]\n",
                          {"train.epochs=12", "train.validate_every=0", "data.val_split="});
  const auto folder = study / study.cells().at(0).at("folder");
  Program stopped({"study", "work", "s.yaml"}, study.options());
  while (!files::exists(folder / "metrics.jsonl") && stopped.running())
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  stopped.send(SIGTERM);
  const auto result = stopped.wait();
  EXPECT_EQ(result.exit_code, 128 + SIGTERM);
  EXPECT_THAT(result.err, HasSubstr("goes on with it"));
  EXPECT_EQ(study.cells().at(0).at("state"), "missing");
  EXPECT_FALSE(files::exists(folder / "lease.json"));
  EXPECT_EQ(study.work().exit_code, 0);
}

TEST(StudyTest, TrainedModelsAreEvaluatedOnOtherDataSetsToo) {
  const StudyFolder study(
      "arms: {a: {head.name: mean_pool}, b: {head.name: xpool}}\nseeds: [1]\n"
      "evaluate_on: [other.yaml]\n",
      {"train.max_steps=1", "data.val_split=", "train.validate_every=0"});
  write_file(study / "other.yaml", "data: {root: " + small_demo_set().string() +
                                       ", val_split: \"\", test_split: val, annotations: manifest.json}\n");
  const auto worked = study.work();
  ASSERT_EQ(worked.exit_code, 0) << worked.out << worked.err;
  const auto report = json::parse(study.run({"study", "report", "s.yaml", "--json"}).out);
  ASSERT_EQ(report.at("tables").size(), 2);
  EXPECT_EQ(report.at("tables").at(1).at("set"), "other");
  EXPECT_NE(report.at("tables").at(0).at("comparison").at("signature"),
            report.at("tables").at(1).at("comparison").at("signature"));
  EXPECT_THAT(study.run({"study", "report", "s.yaml"}).out, HasSubstr("evaluated on other"));
}

TEST(StudyTest, ASettingThatDoesNotExistIsToldBeforeAnythingIsTrained) {
  const StudyFolder study("arms: {a: {}, b: {head.icl_wait: 0}}\nseeds: [1]\n");
  const auto result = study.work();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("s.yaml (line "), HasSubstr("arm b"), HasSubstr("icl_wait")));
  EXPECT_FALSE(files::exists(study / "runs"));
}

TEST(StudyTest, EveryShippedStudyOfTheDemoSetCanBePlanned) {
  const TemporaryFolder folder;
  for (const std::string name : {"heads", "convergence", "length", "losses"}) {
    const auto file = (folder / (name + ".yaml")).string();
    const auto printed = run_program({"study", "init", name, "--demo"});
    ASSERT_EQ(printed.exit_code, 0) << printed.err;
    auto text = printed.out;
    const std::string root = "data.root: demo_moments";
    text.replace(text.find(root), root.size(), "data.root: " + small_demo_set().string() + ", train.batch_size: 8");
    write_file(file, text);
    const auto plan = run_program({"study", "plan", file, "--json"});
    ASSERT_EQ(plan.exit_code, 0) << plan.err;
    EXPECT_GE(json::parse(plan.out).size(), 15) << name;
  }
}

}  // namespace
}  // namespace glint::test
