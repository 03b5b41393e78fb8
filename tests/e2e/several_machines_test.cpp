#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "e2e/hosts.h"
#include "e2e/program.h"
#include "e2e/small_run.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "support/environment.h"

// Ranks on several machines (hosts.h), told their places as a user or a cluster tells them.
namespace glint::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kPort = "29555";

class SeveralMachinesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = Hosts::obstacle(); !why.empty()) GTEST_SKIP() << why;
  }

  std::vector<std::string> words(const std::string& name, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"train.batch_size=6", "model.dropout=0",
                               "data.val_split=", "data.test_split=", "train.epochs=1", "train.max_steps=6"});
    return small_training(folder_ / name, more);
  }
  std::string weights(const std::string& name) const {
    return read_file(folder_ / name / "checkpoints/last/model.safetensors");
  }
  void train_on_this_machine(const std::string& name, int processes) const {
    const auto trained = run_program(words(name, {concat("dist.processes=", processes)}));
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
  }
  // Rank 0 on node1, rank 1 on node2.
  std::vector<std::unique_ptr<Program>> start_two(const Hosts& hosts, const std::vector<std::string>& command,
                                                  const std::string& meeting_at = "node1") const {
    std::vector<std::unique_ptr<Program>> ranks;
    for (int rank = 0; rank < 2; ++rank) {
      const std::vector<std::string> place = {concat("RANK=", rank), "WORLD_SIZE=2", "LOCAL_RANK=0",
                                              "MASTER_ADDR=" + meeting_at, concat("MASTER_PORT=", kPort)};
      ranks.push_back(hosts.start(rank + 1, command, {.environment = place}));
    }
    return ranks;
  }
  void wait_for_steps(const Program& program, const std::string& name, std::size_t steps) const {
    while (program.running() && logged(folder_ / name, "loss").size() < steps) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ASSERT_TRUE(program.running()) << program.err();
  }

  TemporaryFolder folder_;
};

TEST_F(SeveralMachinesTest, TwoTrainAsOneDoesThoughTheirNamesLeadToTheLoopback) {
  train_on_this_machine("one", 2);
  const Hosts hosts(2);
  for (const auto& meeting_at : {Hosts::name(1), Hosts::address(1)}) {
    for (auto& rank : start_two(hosts, words("run_" + meeting_at), meeting_at)) {
      const auto result = rank->wait();
      EXPECT_EQ(result.exit_code, 0) << result.err;
      EXPECT_EQ(result.err.find("ERROR"), std::string::npos) << result.err;  // Gloo's, where it tries a wrong address
    }
    EXPECT_EQ(weights("run_" + meeting_at), weights("one"));
  }
}

TEST_F(SeveralMachinesTest, SrunsVariablesAreEnough) {
  train_on_this_machine("one", 3);
  const Hosts hosts(2);
  std::vector<std::unique_ptr<Program>> ranks;
  for (int rank = 0; rank < 3; ++rank) {  // two on the first machine
    const std::vector<std::string> place = {concat("SLURM_PROCID=", rank), "SLURM_NTASKS=3",
                                            concat("SLURM_LOCALID=", rank % 2), "SLURM_JOB_ID=77",
                                            "SLURM_STEP_NODELIST=node[1-2]"};
    ranks.push_back(hosts.start(rank / 2 + 1, words("run"), {.environment = place}));
  }
  for (auto& rank : ranks) {
    const auto result = rank->wait();
    EXPECT_EQ(result.exit_code, 0) << result.err;
  }
  EXPECT_EQ(weights("run"), weights("one"));
}

TEST_F(SeveralMachinesTest, ARankKilledOnAnotherIsNamedWithItsMachine) {
  const Hosts hosts(2);
  auto ranks = start_two(hosts, words("run", {"train.epochs=1000", "train.max_steps=0"}));
  wait_for_steps(*ranks[0], "run", 3);
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));  // its watchdog speaks every second
  ranks[1]->send(SIGKILL);
  const auto result = ranks[0]->wait();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("error: rank 1 is gone; it did last: step "), HasSubstr(", on node2; ")));
}

TEST_F(SeveralMachinesTest, AMachineThatVanishesEndsAllAfterTheTimeout) {
  const Hosts hosts(2);
  auto ranks = start_two(hosts, words("run", {"train.epochs=1000", "train.max_steps=0", "dist.timeout_s=4"}));
  wait_for_steps(*ranks[0], "run", 3);
  hosts.unplug(2);
  const auto here = ranks[0]->wait(), there = ranks[1]->wait();
  EXPECT_EQ(here.exit_code, 1);
  EXPECT_THAT(here.err, AllOf(HasSubstr("error: rank 1 ("), HasSubstr(", on node2) has not been heard of for 4 s")));
  EXPECT_EQ(there.exit_code, 1);
  EXPECT_THAT(there.err, HasSubstr("error: rank 0, which keeps the rendezvous at node1:29555, has not answered"));
}

TEST_F(SeveralMachinesTest, ARunFolderOfEachItsOwnIsRefused) {
  const Hosts hosts(2);
  hosts.run(2, "mount -t tmpfs none " + folder_.path().string());
  for (auto& rank : start_two(hosts, words("run"))) {
    const auto result = rank->wait();
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, HasSubstr("run: rank 1, on node2, does not see there what rank 0 writes; run.dir must be"));
  }
}

TEST_F(SeveralMachinesTest, OtherSettingsThanRank0sAreNamed) {
  const Hosts hosts(2);
  const std::vector<std::string> place = {"WORLD_SIZE=2", "LOCAL_RANK=0", "MASTER_ADDR=node1", "MASTER_PORT=29555"};
  const auto start = [&](int rank, const std::string& setting) {
    ProgramOptions options{.environment = place};
    options.environment.push_back(concat("RANK=", rank));
    return hosts.start(rank + 1, words("run", {"train.threads=1", setting}), options);
  };
  const auto first = start(0, "optim.lr=1e-4"), second = start(1, "optim.lr=2e-4");
  for (auto* rank : {first.get(), second.get()}) {
    const auto result = rank->wait();
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, HasSubstr("error: rank 1, on node2, was started with optim.lr 2e-04, rank 0, on node1, "
                                      "with optim.lr 1e-04: start all with the same settings"));
  }
}

TEST_F(SeveralMachinesTest, AMeetingPointThatCannotBeReachedSaysWhy) {
  const Hosts hosts(1);
  const std::vector<std::pair<std::string, std::string>> faults = {{"nowhere", "the name nowhere is not known here: "},
                                                                   {"10.77.0.1", "Connection refused"},
                                                                   {"10.99.0.1", "Network is unreachable"},
                                                                   {"10.77.0.9", "no answer: is the machine there"}};
  std::vector<std::unique_ptr<Program>> ranks;  // all at once: they wait more than they work
  for (const auto& [meeting_at, why] : faults) {
    const std::vector<std::string> place = {"RANK=1", "WORLD_SIZE=2", "LOCAL_RANK=0", "MASTER_ADDR=" + meeting_at,
                                            "MASTER_PORT=29555"};
    ranks.push_back(hosts.start(1, words("run", {"dist.timeout_s=1"}), {.environment = place}));
  }
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    const auto& [meeting_at, why] = faults[i];
    const auto result = ranks[i]->wait();
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err,
                AllOf(HasSubstr("error: rank 1, on node1, did not reach rank 0 at " + meeting_at + ":29555 within 1 s"),
                      HasSubstr("(" + why)));
  }
}

}  // namespace
}  // namespace glint::test
