#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace glint::test {

struct ProgramResult {
  int exit_code = 0;  // 128 + signal where a signal ended it
  bool timed_out = false;
  std::string out;  // everything on stdout
  std::string err;
};

struct ProgramOptions {
  std::filesystem::path folder = {};          // working directory; empty: the caller's
  std::vector<std::string> environment = {};  // "NAME=value", added to the caller's
  std::string program = {};                   // another file than glint
  std::vector<std::string> through = {};      // words before the program: one that starts it, with its own words
  double timeout_s = 120;                     // then the program and all it started are killed
};

// One run of glint: the file named by GLINT_PROGRAM, else the one this build made. Started by the constructor, killed
// by the destructor where it still runs.
class Program {
 public:
  explicit Program(const std::vector<std::string>& arguments, const ProgramOptions& options = {});
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  bool running() const;
  pid_t pid() const { return pid_; }
  void send(int signal);    // nothing where it has ended
  std::string out() const;  // what stands on stdout so far
  std::string err() const;
  ProgramResult wait();  // until it ends or its time is over

 private:
  using Clock = std::chrono::steady_clock;
  std::filesystem::path outputs_;  // folder that takes stdout and stderr: files cannot fill up as pipes do
  // Leader of its own process group. Reaped by the destructor alone: until then the number cannot become another's.
  pid_t pid_ = -1;
  Clock::time_point deadline_;
};

// glint's own file.
std::string program_file();

// The processes that `parent` started and that are still there.
std::vector<pid_t> children_of(pid_t parent);

// Runs glint to its end.
ProgramResult run_program(const std::vector<std::string>& arguments, const ProgramOptions& options = {});

// How often `words` stand in what a program said, or in a file.
std::size_t times_said(const std::string& text, const std::string& words);

// Runs a line of shell in which "$GLINT_PROGRAM" is glint.
ProgramResult run_shell(const std::string& line);

}  // namespace glint::test
