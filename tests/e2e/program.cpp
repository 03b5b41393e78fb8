#include "e2e/program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fstream>

#include <cstdlib>
#include <cstring>
#include <thread>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"

namespace glint::test {

namespace {

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (auto& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> environment_with(const std::vector<std::string>& added) {
  std::vector<std::string> result = added;  // the first of two equal names counts
  for (char** entry = environ; *entry != nullptr; ++entry) result.emplace_back(*entry);
  return result;
}

std::filesystem::path fresh_folder() {
  std::string name = std::filesystem::temp_directory_path() / "glint_program_XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw Error("no temporary folder: ", name);
  return name;
}

// Without reaping it; si_pid is 0 where `flags` is WNOHANG and it still runs.
siginfo_t how_it_ended(pid_t pid, int flags) {
  siginfo_t info = {};
  waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT | flags);
  return info;
}

}  // namespace

std::string program_file() {
  const char* named = std::getenv("GLINT_PROGRAM");
  return named != nullptr ? named : GLINT_BUILT_PROGRAM;
}

Program::Program(const std::vector<std::string>& arguments, const ProgramOptions& options)
    : outputs_(fresh_folder()),
      deadline_(Clock::now() +
                std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.timeout_s))) {
  auto words = options.through;
  words.push_back(options.program.empty() ? program_file() : options.program);
  words.insert(words.end(), arguments.begin(), arguments.end());
  auto environment = environment_with(options.environment);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::string out = outputs_ / "out", err = outputs_ / "err";
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (!options.folder.empty()) posix_spawn_file_actions_addchdir_np(&actions, options.folder.c_str());
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  const int failure = posix_spawnp(&pid_, words.front().c_str(), &actions, &attributes, pointers(words).data(),
                                   pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) {
    std::filesystem::remove_all(outputs_);
    throw Error(words.front(), " (GLINT_PROGRAM) does not start: ", std::strerror(failure));
  }
}

Program::~Program() {
  kill(-pid_, SIGKILL);  // also what it left behind in its group
  waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove_all(outputs_, ignored);
}

bool Program::running() const {
  return how_it_ended(pid_, WNOHANG).si_pid == 0;
}

void Program::send(int signal) {
  if (running()) kill(pid_, signal);
}

std::string Program::out() const {
  return read_file(outputs_ / "out");
}
std::string Program::err() const {
  return read_file(outputs_ / "err");
}

ProgramResult Program::wait() {
  ProgramResult result;
  while (running() && !result.timed_out) {
    result.timed_out = Clock::now() >= deadline_;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  if (result.timed_out) kill(-pid_, SIGKILL);
  const auto end = how_it_ended(pid_, 0);
  result.exit_code = end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
  result.out = out();
  result.err = err();
  return result;
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  std::error_code gone;  // the parent, meanwhile
  for (const auto& thread : std::filesystem::directory_iterator("/proc/" + std::to_string(parent) + "/task", gone)) {
    std::ifstream list(thread.path() / "children");
    for (pid_t child; list >> child;) children.push_back(child);
  }
  return children;
}

ProgramResult run_program(const std::vector<std::string>& arguments, const ProgramOptions& options) {
  return Program(arguments, options).wait();
}

std::size_t times_said(const std::string& text, const std::string& words) {
  std::size_t number = 0;
  for (auto at = text.find(words); at != text.npos; at = text.find(words, at + 1)) ++number;
  return number;
}

ProgramResult run_shell(const std::string& line) {
  return run_program({"-c", line}, {.environment = {"GLINT_PROGRAM=" + program_file()}, .program = "/bin/sh"});
}

}  // namespace glint::test
