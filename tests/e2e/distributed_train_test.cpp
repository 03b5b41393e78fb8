#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "e2e/program.h"
#include "e2e/small_run.h"
#include "glint/core/atomic_file.h"
#include "glint/core/random.h"
#include "glint/io/safetensors.h"
#include "support/environment.h"

// Several processes on this machine that train together (dist.processes), as a user starts them.
namespace glint::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::SizeIs;
using Clock = std::chrono::steady_clock;

// After one process is gone all are within two; a machine that is busy with other tests gets more, and still far less
// than the time after which waiting for the lost one would end.
constexpr double kEndSeconds = 30;

class DistributedTrainTest : public testing::Test {
 protected:
  // Batches of 6 pairs, which 2 and 3 processes share evenly; without dropout, of which each process draws its own.
  std::vector<std::string> words(const std::string& name, int processes, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"train.batch_size=6", "model.dropout=0",
                               "data.val_split=", "data.test_split=", "dist.processes=" + std::to_string(processes)});
    return small_training(folder_ / name, more);
  }
  std::vector<double> losses(const std::string& name) const {
    std::vector<double> values;
    for (const auto& loss : logged(folder_ / name, "loss")) values.push_back(std::stod(loss));
    return values;
  }
  std::string weights(const std::string& name) const {
    return read_file(folder_ / name / "checkpoints/last/model.safetensors");
  }
  // The largest root mean square, over all parameters, of what two runs have apart.
  double apart(const std::string& one, const std::string& other) const {
    const auto file = [&](const std::string& name) {
      return read_safetensors(folder_ / name / "checkpoints/last/model.safetensors").tensors;
    };
    const auto first = file(one), second = file(other);
    double most = 0;
    for (const auto& [name, tensor] : first) {
      most = std::max(most, (tensor - second.at(name)).square().mean().sqrt().item<double>());
    }
    return most;
  }
  TemporaryFolder folder_;
};

std::string environment_of(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/environ");
  std::stringstream text;
  text << file.rdbuf();
  return '\0' + text.str();
}

pid_t process_of_rank(const Program& program, int rank) {
  for (const auto child : children_of(program.pid())) {
    const auto variable = std::string(1, '\0') + "RANK=" + std::to_string(rank) + std::string(1, '\0');
    if (environment_of(child).find(variable) != std::string::npos) return child;
  }
  return -1;
}

TEST_F(DistributedTrainTest, ProcessesTogetherTrainAsOneAlone) {
  for (const std::string head : {"glscl", "glccl", "xclip", "xpool", "mean_pool"}) {
    SCOPED_TRACE(head);
    // Some rounding is another: sums over the batch come in another order. After 20 steps of Adam, which makes a step
    // of one size of any gradient, weights that have moved by some 1e-2 are apart by less than a thousandth of that.
    const auto run = [&](int processes) {
      const auto name = head + std::to_string(processes);
      const auto trained =
          run_program(words(name, processes, {"head.name=" + head, "train.max_steps=20", "train.epochs=3"}));
      EXPECT_EQ(trained.exit_code, 0) << trained.err;
      return losses(name);
    };
    const auto alone = run(1);
    ASSERT_THAT(alone, SizeIs(20));
    for (const int processes : {2, 3}) {
      const auto together = run(processes);
      ASSERT_THAT(together, SizeIs(20));
      for (std::size_t i = 0; i < alone.size(); ++i) EXPECT_NEAR(together[i], alone[i], 1e-4) << processes << " " << i;
      EXPECT_LT(apart(head + std::to_string(processes), head + "1"), 1e-5);
    }
  }
}

TEST_F(DistributedTrainTest, TwoProcessesMeasureTheLossesAsOneAloneDoesAndTrainOnUnchanged) {
  const std::string measure = "train.loss_gradients_every=2";
  ASSERT_EQ(run_program(words("plain", 2, {"train.max_steps=4"})).exit_code, 0);
  ASSERT_EQ(run_program(words("alone", 1, {"train.max_steps=4", measure})).exit_code, 0);
  const auto measured = run_program(words("measured", 2, {"train.max_steps=4", measure}));
  ASSERT_EQ(measured.exit_code, 0) << measured.err;
  EXPECT_EQ(logged(folder_ / "measured", "loss"), logged(folder_ / "plain", "loss"));
  EXPECT_EQ(weights("measured"), weights("plain"));
  for (const auto* part : {"loss_grad_norm/nce", "loss_grad_norm/icl", "loss_grad_norm/idl"}) {
    const auto norms = logged(folder_ / "measured", part), expected = logged(folder_ / "alone", part);
    ASSERT_THAT(norms, SizeIs(2)) << part;
    for (std::size_t i = 0; i < norms.size(); ++i) {
      EXPECT_NEAR(std::stod(norms[i]), std::stod(expected.at(i)), 1e-3 * std::stod(expected.at(i))) << part;
    }
  }
}

TEST_F(DistributedTrainTest, ARankThatIsKilledEndsAllWithItsNameAndTheNextRunGivesTheSame) {
  const std::vector<std::string> settings = {"train.save_every=2", "train.epochs=3"};
  ASSERT_EQ(run_program(words("whole", 2, settings)).exit_code, 0);
  Random random({static_cast<std::uint64_t>(Clock::now().time_since_epoch().count())});
  const auto rank = static_cast<int>(random.below(2));
  const auto step = random.below(20);
  RecordProperty("rank", rank);
  RecordProperty("step", static_cast<int>(step));
  {
    Program broken(words("broken", 2, settings));
    while (broken.running() && (process_of_rank(broken, rank) < 0 || losses("broken").size() < step)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    ASSERT_TRUE(broken.running()) << broken.err();
    const auto all = children_of(broken.pid());
    const auto start = Clock::now();
    ASSERT_EQ(kill(process_of_rank(broken, rank), SIGKILL), 0);
    const auto ended = broken.wait();
    EXPECT_LT(std::chrono::duration<double>(Clock::now() - start).count(), kEndSeconds);
    EXPECT_NE(ended.exit_code, 0);
    EXPECT_THAT(ended.err, HasSubstr("rank " + std::to_string(rank))) << ended.err;
    for (const auto process : all) EXPECT_NE(kill(process, 0), 0) << process;
  }
  const auto resumed = run_program(words("broken", 2, settings));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(losses("broken"), losses("whole"));
  EXPECT_EQ(weights("broken"), weights("whole"));
}

TEST_F(DistributedTrainTest, ARunGoesOnWithAnotherNumberOfProcesses) {
  ASSERT_EQ(run_program(words("whole", 1, {"train.epochs=1"})).exit_code, 0);
  ASSERT_EQ(run_program(words("changed", 2, {"train.epochs=1", "train.max_steps=3"})).exit_code, 0);
  const auto resumed = run_program(words("changed", 3, {"train.epochs=1"}));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  const auto expected = losses("whole"), found = losses("changed");
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-4) << i;
}

TEST_F(DistributedTrainTest, ASignalIsSavedAndTheSameCommandGoesOn) {
  ASSERT_EQ(run_program(words("whole", 2)).exit_code, 0);
  {
    Program stopped(words("stopped", 2));
    while (stopped.running() && losses("stopped").size() < 3) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    stopped.send(SIGTERM);
    const auto result = stopped.wait();
    EXPECT_EQ(result.exit_code, 128 + SIGTERM) << result.err;
    EXPECT_THAT(result.err, HasSubstr("the same command goes on from there"));
  }
  EXPECT_EQ(run_program(words("stopped", 2)).exit_code, 0);
  EXPECT_EQ(losses("stopped"), losses("whole"));
  EXPECT_EQ(weights("stopped"), weights("whole"));
}

TEST_F(DistributedTrainTest, ValidationAndTestAreSharedAndTheirNumbersThoseOfOneProcess) {
  const std::vector<std::string> settings = {"data.val_split=val", "data.test_split=test", "train.epochs=1"};
  for (const int processes : {1, 3}) {
    const auto trained = run_program(words(std::to_string(processes), processes, settings));
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
    EXPECT_THAT(trained.out, HasSubstr("text to video"));
  }
  const auto results = [&](const char* name) {
    auto json = nlohmann::json::parse(read_file(folder_ / name / "results.json"));
    for (const char* key : {"encode_s", "score_s", "model"}) json.erase(key);  // times, and weights up to rounding
    return json;
  };
  EXPECT_EQ(results("3"), results("1"));
}

TEST_F(DistributedTrainTest, FractionsOfAnEpochAreValidatedAtTheSameStepsAndTheSameCheckpointIsChosen) {
  const std::vector<std::string> settings = {"data.val_split=val", "train.epochs=1", "train.validate_every=0.25",
                                             "train.select=RSum", "optim.lr=0.01"};
  const auto train = [&](const std::string& name, int processes, std::vector<std::string> more = {}) {
    more.insert(more.begin(), settings.begin(), settings.end());
    const auto trained = run_program(words(name, processes, more));
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
  };
  train("alone", 1);
  train("two", 2);
  train("broken", 2, {"train.max_steps=5"});
  train("broken", 2);
  for (const std::string name : {"alone", "two", "broken"}) {
    std::vector<int64_t> steps;
    std::ifstream in(folder_ / name / "metrics.jsonl");
    for (std::string line; std::getline(in, line);) {
      const auto json = nlohmann::json::parse(line);
      if (json.contains("split")) steps.push_back(json.at("step").get<int64_t>());
    }
    EXPECT_THAT(steps, testing::ElementsAre(2, 4, 6, 8)) << name;
  }
  const auto state = [&](const std::string& name) {
    return nlohmann::json::parse(read_file(folder_ / name / "checkpoints/last/state.json"));
  };
  for (const std::string name : {"two", "broken"}) {
    EXPECT_EQ(state(name).at("best_step"), state("alone").at("best_step")) << name;
    EXPECT_NEAR(state(name).at("best_score").get<double>(), state("alone").at("best_score").get<double>(), 1e-6);
  }
  EXPECT_EQ(weights("broken"), weights("two"));
}

TEST_F(DistributedTrainTest, ABatchThatCannotBeSharedEvenlyIsRefused) {
  const auto refused = run_program(words("run", 1'000));  // before any is started
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_EQ(refused.err,
            "error: config.train.batch_size is 6, which 1000 processes cannot share evenly; set it to a multiple of "
            "1000\n");
  EXPECT_FALSE(fs::exists(folder_ / "run"));
}

}  // namespace
}  // namespace glint::test
