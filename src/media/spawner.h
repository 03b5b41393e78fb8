#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace glint::media {

// Starts `program` with `socket` and `memory` as its descriptors kWorkerSocket and kWorkerMemory and nothing else of
// ours: no environment but the search path for libraries, the other standard streams /dev/null, the signals that stop a
// program blocked (a Ctrl-C reaches all processes of the terminal, and it is the parent who says when to end). A thread
// that lives as long as this process starts it, because the child's parent-death signal comes when the thread ends that
// started it. Throws Error or NotNow.
pid_t spawn_worker(const std::string& program, int socket, int memory);

}  // namespace glint::media
