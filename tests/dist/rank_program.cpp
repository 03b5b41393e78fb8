// What launcher tests start. rank_program launch N ROLE [VICTIM]: launches N ranks of `rank_program ROLE [VICTIM]`.
#include <signal.h>
#include <torch/torch.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

#include "glint/core/activity.h"
#include "glint/core/error.h"
#include "glint/core/log.h"
#include "glint/core/stop_signal.h"
#include "glint/dist/communicator.h"
#include "glint/dist/launcher.h"

namespace {

using glint::Communicator;

constexpr int kFatalStep = 3;

// In one piece: several processes write there.
void say(const std::string& text) {
  std::cerr << text + "\n";
}

[[noreturn]] void hang() {
  while (true) std::this_thread::sleep_for(std::chrono::seconds(1));
}

// How the victim ends at kFatalStep.
void meet_fate(const std::string& role) {
  const glint::Activity decoding("decodes video7.mp4");
  if (role == "killed") kill(getpid(), SIGKILL);
  if (role == "exits3") _exit(3);
  if (role == "throws") throw glint::Error("video7.mp4: is damaged");
  if (role == "hangs") hang();
  if (role == "freezes") kill(getpid(), SIGSTOP);
}

int speak(const glint::RankInfo& info) {
  std::cout << "data of rank " << info.rank << " with OMP_NUM_THREADS " << std::getenv("OMP_NUM_THREADS") << std::endl;
  std::cerr << glint::concat("word of rank ", info.rank, "\nand no end of line");
  return 0;
}

// Until something happens; all ranks stop at the same step.
int train(Communicator& communicator, const std::string& role, std::int64_t victim) {
  for (int step = 0;; ++step) {
    glint::set_activity(glint::concat("step ", step, ": sums"));
    if (step == kFatalStep && communicator.rank() == victim) meet_fate(role);
    auto stop = torch::full({1}, glint::stop_requested(), torch::kLong);
    communicator.all_reduce(stop);
    if (stop.item<std::int64_t>() != 0) break;
    if (step == kFatalStep && communicator.rank() == 0) say("all ranks train");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  say(glint::concat("saved by rank ", communicator.rank()));
  return 128 + SIGTERM;
}

int run(const std::vector<std::string>& words) {
  if (words.at(0) == "launch") {
    glint::LaunchOptions options{{"/proc/self/exe"}, std::stoll(words.at(1)), 0};
    options.command.insert(options.command.end(), words.begin() + 2, words.end());
    return glint::launch_local_ranks(options);
  }
  glint::catch_stop_signals();
  const auto info = glint::rank_info_from_environment();
  if (words[0] == "speaks") return speak(info);
  const double timeout_s = words[0] == "hangs" || words[0] == "freezes" ? 4 : 60;
  const auto communicator = glint::make_communicator(info, timeout_s);
  say(glint::concat("pid ", getpid()));
  return train(*communicator, words[0], words.size() > 1 ? std::stoll(words[1]) : -1);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    if (glint::stop_requested() != 0) return 128 + glint::stop_requested();  // as glint's commands do
    glint::log_error(error.what());
    return 1;
  }
}
