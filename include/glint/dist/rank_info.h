#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace glint {

// Which of the processes that train together this one is, and where they meet.
struct RankInfo {
  std::int64_t rank = 0;        // [0, ranks)
  std::int64_t ranks = 1;       // processes over all machines
  std::int64_t local_rank = 0;  // among those of this machine
  std::string host;             // of rank 0; empty where there is one rank
  std::int64_t port = 0;
  bool agent_keeps_store = false;  // the rendezvous is torchrun's agent's, which keeps it over its restarts
  // glint's own launcher hands rank 0 the socket that listens at `port`, so that nobody can take the port meanwhile.
  std::optional<int> listening_socket = {};
};

// From torchrun's variables (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT) or, where none of the first three
// is set, srun's (SLURM_PROCID, SLURM_NTASKS, SLURM_LOCALID; rank 0's machine from MASTER_ADDR or the list of the
// step's machines, the port from MASTER_PORT or the job's number). Neither: one rank. Throws Error naming the variable
// that is missing, no number, or contradicts another.
RankInfo rank_info_from_environment();

}  // namespace glint
