#include "glint/dist/rank_info.h"

#include <charconv>
#include <cstdlib>
#include <initializer_list>

#include "dist/launch_variables.h"
#include "glint/core/error.h"

namespace glint {

namespace {

constexpr std::int64_t kFirstJobPort = 10000, kJobPorts = 20000;  // below those that the system gives to connections

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::string needed(const char* name, const char* set) {
  if (auto value = variable(name)) return *value;
  throw Error(name, " is not set while ", set,
              " is: the processes were started half by hand; use torchrun, srun or dist.processes");
}

std::int64_t number(const char* name, const std::string& text, std::int64_t low, std::int64_t high) {
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || value < low || value > high) {
    throw Error(name, "=", text, ": must be a whole number from ", low, " to ", high);
  }
  return value;
}

// The names by which a launcher tells a process its place.
struct Names {
  const char* rank;
  const char* ranks;
  const char* local_rank;
};

RankInfo read_place(const Names& names) {
  constexpr std::int64_t kMost = 1 << 20;
  const char* set = names.rank;
  for (const char* name : {names.local_rank, names.ranks, names.rank}) {
    if (variable(name)) set = name;
  }
  RankInfo info;
  info.ranks = number(names.ranks, needed(names.ranks, set), 1, kMost);
  info.rank = number(names.rank, needed(names.rank, set), 0, kMost);
  info.local_rank = number(names.local_rank, needed(names.local_rank, set), 0, kMost);
  if (info.rank >= info.ranks) {
    throw Error(names.rank, "=", info.rank, " contradicts ", names.ranks, "=", info.ranks, ": ranks count from 0");
  }
  if (info.local_rank > info.rank) {
    throw Error(names.local_rank, "=", info.local_rank, " contradicts ", names.rank, "=", info.rank,
                ": a rank's number on its machine is at most its number among all");
  }
  return info;
}

std::int64_t master_port(const std::string& text) {
  return number("MASTER_PORT", text, 1, 65535);
}

void read_launch(RankInfo& info) {
  info.agent_keeps_store = variable("TORCHELASTIC_USE_AGENT_STORE").value_or("") == "True";
  const auto socket = variable(dist::kListeningSocketVariable);
  if (socket && info.rank == 0) info.listening_socket = number(dist::kListeningSocketVariable, *socket, 0, 1 << 20);
}

RankInfo from_torchrun() {
  auto info = read_place({"RANK", "WORLD_SIZE", "LOCAL_RANK"});
  if (info.ranks == 1) return info;
  info.host = needed("MASTER_ADDR", "WORLD_SIZE");
  info.port = master_port(needed("MASTER_PORT", "WORLD_SIZE"));
  read_launch(info);
  return info;
}

// "node[03-05,7],gpu1" -> "node03"
std::string first_host(const std::string& list) {
  const auto end = list.find(',');
  const auto bracket = list.find('[');
  if (bracket == std::string::npos || bracket > end) return list.substr(0, end);
  const auto number_end = list.find_first_of("-,]", bracket);
  const auto closing = list.find(']', bracket);
  if (closing == std::string::npos || number_end == bracket + 1) {
    throw Error("SLURM_STEP_NODELIST=", list, ": is no list of machines; set MASTER_ADDR to the machine of rank 0");
  }
  const auto after = list.find(',', closing);
  const auto tail = list.substr(closing + 1, after == std::string::npos ? after : after - closing - 1);
  return list.substr(0, bracket) + list.substr(bracket + 1, number_end - bracket - 1) + tail;
}

std::string slurm_host() {
  if (const auto host = variable("MASTER_ADDR")) return *host;
  for (const char* name : {"SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST", "SLURM_NODELIST"}) {
    if (const auto list = variable(name)) return first_host(*list);
  }
  throw Error("MASTER_ADDR is not set, nor SLURM_JOB_NODELIST: set it to the machine of rank 0");
}

std::int64_t slurm_port() {
  if (const auto port = variable("MASTER_PORT")) return master_port(*port);
  const auto job = variable("SLURM_JOB_ID");
  if (!job) throw Error("MASTER_PORT is not set, nor SLURM_JOB_ID: set it to a free port of rank 0's machine");
  return kFirstJobPort + number("SLURM_JOB_ID", *job, 0, std::int64_t{1} << 62) % kJobPorts;
}

RankInfo from_slurm() {
  auto info = read_place({"SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"});
  if (info.ranks == 1) return info;
  info.host = slurm_host();
  info.port = slurm_port();
  return info;
}

}  // namespace

RankInfo rank_info_from_environment() {
  if (variable("RANK") || variable("WORLD_SIZE") || variable("LOCAL_RANK")) return from_torchrun();
  if (variable("SLURM_PROCID")) return from_slurm();  // without it SLURM gave machines, but started no ranks
  return {};
}

}  // namespace glint
