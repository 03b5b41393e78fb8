#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "e2e/hosts.h"
#include "e2e/program.h"
#include "e2e/small_run.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/random.h"
#include "support/environment.h"
#include "support/python.h"

// torchrun starts the ranks, and starts them again where one dies.
namespace glint::test {
namespace {

using testing::HasSubstr;

constexpr std::size_t kSteps = 24;

class TorchrunTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_test_python()) GTEST_SKIP() << kNoTestPython;
  }

  std::vector<std::string> training(const std::string& name, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"train.batch_size=6", "model.dropout=0", "data.val_split=", "data.test_split=",
                               "train.epochs=3", concat("train.max_steps=", kSteps), "train.save_every=4"});
    return small_training(folder_ / name, more);
  }
  std::vector<std::string> torchrun(std::vector<std::string> options, const std::string& name) const {
    options.insert(options.begin(), {"-m", "torch.distributed.run"});
    options.insert(options.end(), {"--no-python", program_file()});
    const auto words = training(name);
    options.insert(options.end(), words.begin(), words.end());
    return options;
  }
  ProgramOptions python() const {
    return {.environment = {"OMP_NUM_THREADS=1"}, .program = std::getenv("GLINT_TEST_PYTHON")};
  }
  void expect_as_unbroken(const std::string& name) const {
    const auto unbroken = run_program(training("unbroken", {"dist.processes=2"}));
    ASSERT_EQ(unbroken.exit_code, 0) << unbroken.err;
    EXPECT_EQ(logged(folder_ / name, "loss"), logged(folder_ / "unbroken", "loss"));
    const auto weights = [&](const std::string& run) {
      return read_file(folder_ / run / "checkpoints/last/model.safetensors");
    };
    EXPECT_EQ(weights(name), weights("unbroken"));
  }
  // Kills a rank that `agent` started once the run has so many steps.
  void kill_rank(const Program& agent, const std::string& name, std::size_t step) {
    const auto ranks = [&] {
      std::vector<pid_t> found;
      for (const auto process : children_of(agent.pid())) {
        std::ifstream file("/proc/" + std::to_string(process) + "/cmdline");
        std::string program;
        if (std::getline(file, program, '\0') && program == program_file()) found.push_back(process);
      }
      return found;
    };
    while (agent.running() && (ranks().empty() || logged(folder_ / name, "loss").size() < step)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    ASSERT_TRUE(agent.running()) << agent.err();
    const auto victims = ranks();
    ASSERT_FALSE(victims.empty());
    kill(victims[random_.below(victims.size())], SIGKILL);
  }

  TemporaryFolder folder_;
  Random random_{{static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count())}};
};

TEST_F(TorchrunTest, ATrainingWhoseRanksAreKilledEndsAsAnUnbrokenOne) {
  Program agent(torchrun({"--standalone", "--nproc-per-node", "2", "--max-restarts", "2"}, "broken"), python());
  for (const std::size_t step : {1 + random_.below(9), 13 + random_.below(9)}) {
    RecordProperty("step", static_cast<int>(step));
    kill_rank(agent, "broken", step);
  }
  const auto result = agent.wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("going on from "));
  expect_as_unbroken("broken");
}

TEST_F(TorchrunTest, OnTwoMachinesTheRanksMeetAgainWhicheverOfThemDied) {
  if (const auto why = Hosts::obstacle(); !why.empty()) GTEST_SKIP() << why;
  const Hosts hosts(2);
  std::vector<std::unique_ptr<Program>> agents;
  const auto words = torchrun({"--nnodes", "2", "--nproc-per-node", "1", "--max-restarts", "2", "--rdzv-backend",
                               "c10d", "--rdzv-endpoint", "node1:29400"},
                              "broken");
  for (const int host : {1, 2}) agents.push_back(hosts.start(host, words, python()));
  kill_rank(*agents[1], "broken", 5);
  kill_rank(*agents[0], "broken", 14);
  for (auto& agent : agents) {
    const auto result = agent->wait();
    EXPECT_EQ(result.exit_code, 0) << result.err;
  }
  expect_as_unbroken("broken");
}

}  // namespace
}  // namespace glint::test
