#include "dist/ranks.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <thread>

#include "dist/listening_socket.h"

namespace glint::test {

namespace {

constexpr double kTimeoutSeconds = 60;

[[noreturn]] void run(const std::function<void(const RankInfo&)>& body, const RankInfo& info) {
  int code = 1;
  try {
    body(info);
    code = testing::Test::HasFailure() ? 1 : 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rank %d: %s\n", static_cast<int>(info.rank), error.what());
  }
  std::fflush(nullptr);
  _exit(code);
}

int end_of(pid_t pid, std::chrono::steady_clock::time_point deadline) {
  int status = 0;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) kill(pid, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

RankEnds run_ranks(std::int64_t ranks, const std::function<void(const RankInfo&)>& body) {
  const auto deadline =
      std::chrono::steady_clock::now() +
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(kTimeoutSeconds));
  std::vector<pid_t> pids;
  {
    const dist::ListeningSocket socket;
    std::fflush(nullptr);
    for (std::int64_t rank = 0; rank < ranks; ++rank) {
      RankInfo info{rank, ranks, rank, "127.0.0.1", socket.port()};
      if (rank == 0) info.listening_socket = socket.descriptor();
      const pid_t pid = fork();
      if (pid == 0) {
        if (rank != 0) close(socket.descriptor());
        run(body, info);
      }
      pids.push_back(pid);
    }
  }
  RankEnds ends;
  for (const pid_t pid : pids) ends.push_back(end_of(pid, deadline));
  return ends;
}

RankEnds run_communicators(std::int64_t ranks, const std::function<void(std::shared_ptr<Communicator>)>& body) {
  return run_ranks(ranks, [&](const RankInfo& info) { body(make_communicator(info, kTimeoutSeconds)); });
}

RankEnds well(std::int64_t ranks) {
  return RankEnds(static_cast<std::size_t>(ranks), 0);
}

}  // namespace glint::test
