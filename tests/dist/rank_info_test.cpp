#include "glint/dist/rank_info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "glint/core/error.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Variables = std::map<std::string, std::string>;

// Nothing but these is set.
RankInfo read(const Variables& variables) {
  for (const char* name : {"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "SLURM_PROCID",
                           "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_JOB_ID", "SLURM_JOB_NODELIST", "SLURM_STEP_NODELIST",
                           "SLURM_NODELIST", "TORCHELASTIC_USE_AGENT_STORE", "GLINT_LISTENING_SOCKET"}) {
    unsetenv(name);
  }
  for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
  return rank_info_from_environment();
}

std::string refusal(Variables variables, const Variables& changed) {
  for (const auto& [name, value] : changed) variables[name] = value;
  try {
    read(variables);
  } catch (const Error& error) {
    return error.what();
  }
  return "taken";
}

const Variables kTorchrun = {
    {"RANK", "5"}, {"WORLD_SIZE", "8"}, {"LOCAL_RANK", "1"}, {"MASTER_ADDR", "node3"}, {"MASTER_PORT", "29400"}};
const Variables kSlurm = {{"SLURM_PROCID", "5"},
                          {"SLURM_NTASKS", "8"},
                          {"SLURM_LOCALID", "1"},
                          {"SLURM_JOB_ID", "123456"},
                          {"SLURM_JOB_NODELIST", "node[03-05,7],gpu1"}};

TEST(RankInfoTest, NothingSetIsOneRank) {
  const auto info = read({{"MASTER_ADDR", "left over"}});
  EXPECT_EQ(info.rank, 0);
  EXPECT_EQ(info.ranks, 1);
  EXPECT_EQ(info.host, "");
  EXPECT_EQ(read({{"SLURM_NTASKS", "4"}, {"SLURM_JOB_ID", "3"}}).ranks, 1);  // machines are given, srun is not used
}

TEST(RankInfoTest, TorchrunsVariablesAreRead) {
  const auto info = read(kTorchrun);
  EXPECT_EQ(info.rank, 5);
  EXPECT_EQ(info.ranks, 8);
  EXPECT_EQ(info.local_rank, 1);
  EXPECT_EQ(info.host, "node3");
  EXPECT_EQ(info.port, 29400);
  EXPECT_FALSE(info.agent_keeps_store);
  auto elastic = kTorchrun;
  elastic["TORCHELASTIC_USE_AGENT_STORE"] = "True";
  EXPECT_TRUE(read(elastic).agent_keeps_store);
}

TEST(RankInfoTest, SlurmsVariablesAreRead) {
  const auto info = read(kSlurm);
  EXPECT_EQ(info.rank, 5);
  EXPECT_EQ(info.ranks, 8);
  EXPECT_EQ(info.local_rank, 1);
  EXPECT_EQ(info.host, "node03");
  EXPECT_EQ(info.port, 10000 + 123456 % 20000);
  for (const auto& [list, host] :
       Variables{{"gpu1,node[3-4]", "gpu1"}, {"a[1-2]b,c", "a1b"}, {"a[7],c", "a7"}, {"solo", "solo"}}) {
    auto variables = kSlurm;
    variables["SLURM_STEP_NODELIST"] = list;
    EXPECT_EQ(read(variables).host, host);
  }
}

TEST(RankInfoTest, TorchrunInsideSlurmAndAChosenMeetingPointWin) {
  auto both = kSlurm;
  both.insert(kTorchrun.begin(), kTorchrun.end());
  both["RANK"] = "2";
  EXPECT_EQ(read(both).rank, 2);
  auto chosen = kSlurm;
  chosen["MASTER_ADDR"] = "10.0.0.1";
  chosen["MASTER_PORT"] = "4000";
  EXPECT_EQ(read(chosen).host, "10.0.0.1");
  EXPECT_EQ(read(chosen).port, 4000);
}

TEST(RankInfoTest, WhatIsMissingIsNamed) {
  for (const auto& [name, value] : kTorchrun) {
    EXPECT_THAT(refusal(kTorchrun, {{name, ""}}), StartsWith(name + " is not set while ")) << value;
  }
  EXPECT_THAT(refusal({{"WORLD_SIZE", "4"}}, {}), StartsWith("RANK is not set while WORLD_SIZE is"));
  for (const char* name : {"SLURM_NTASKS", "SLURM_LOCALID"}) {
    EXPECT_THAT(refusal(kSlurm, {{name, ""}}), StartsWith(std::string(name) + " is not set while SLURM_PROCID is"));
  }
  EXPECT_THAT(refusal(kSlurm, {{"SLURM_JOB_NODELIST", ""}}), StartsWith("MASTER_ADDR is not set"));
  EXPECT_THAT(refusal(kSlurm, {{"SLURM_JOB_ID", ""}}), StartsWith("MASTER_PORT is not set"));
}

TEST(RankInfoTest, NonsenseIsNamed) {
  for (const char* value : {"x", "-1", "1.5", " 1", "99999999999999999999"}) {
    EXPECT_THAT(refusal(kTorchrun, {{"RANK", value}}),
                StartsWith(std::string("RANK=") + value + ": must be a whole number"));
  }
  EXPECT_THAT(refusal(kTorchrun, {{"WORLD_SIZE", "0"}}), StartsWith("WORLD_SIZE=0: must be a whole number from 1"));
  EXPECT_THAT(refusal(kTorchrun, {{"MASTER_PORT", "70000"}}), StartsWith("MASTER_PORT=70000: must be"));
  EXPECT_THAT(refusal(kTorchrun, {{"RANK", "8"}}), StartsWith("RANK=8 contradicts WORLD_SIZE=8"));
  EXPECT_THAT(refusal(kTorchrun, {{"LOCAL_RANK", "6"}}), StartsWith("LOCAL_RANK=6 contradicts RANK=5"));
  EXPECT_THAT(refusal(kSlurm, {{"SLURM_PROCID", "8"}}), StartsWith("SLURM_PROCID=8 contradicts SLURM_NTASKS=8"));
  EXPECT_THAT(refusal(kSlurm, {{"SLURM_JOB_NODELIST", "a[b"}}), HasSubstr("no list of machines"));
}

}  // namespace
}  // namespace glint::test
