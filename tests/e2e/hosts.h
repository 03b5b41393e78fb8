#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "e2e/program.h"
#include "support/environment.h"

namespace glint::test {

// Machines node1, node2, ... on one network, made of this one: each a network of its own (Linux' namespaces) with a
// cable to a switch, its own name and its own /etc/hosts. As on Debian a machine's own name leads to 127.0.1.1 there,
// and as with Docker each has a second network that leads nowhere and has the same address everywhere. They share the
// files. The system takes all away again when this process ends, however it ends.
class Hosts {
 public:
  // Why this machine cannot be made into several; empty where it can. A test does
  // `if (const auto why = Hosts::obstacle(); !why.empty()) GTEST_SKIP() << why;`
  static std::string obstacle();

  explicit Hosts(int count);
  ~Hosts();
  Hosts(const Hosts&) = delete;
  Hosts& operator=(const Hosts&) = delete;

  // Hosts count from 1, as their names do.
  static std::string name(int host) { return "node" + std::to_string(host); }
  static std::string address(int host) { return "10.77.0." + std::to_string(host); }

  // Starts a program there, glint where `options` names no other.
  std::unique_ptr<Program> start(int host, const std::vector<std::string>& words, ProgramOptions options = {}) const;
  // A line of shell there, as root. Error where it fails.
  void run(int host, const std::string& line) const;
  // From now on nothing that is sent reaches it or leaves it, and nobody is told.
  void unplug(int host) const;

 private:
  pid_t hold(const std::string& name, const std::string& hosts_file);
  void run_in(pid_t namespaces, const std::string& line) const;

  TemporaryFolder folder_;
  std::vector<pid_t> machines_;  // a process that holds each one's namespaces; 0: the switch
};

}  // namespace glint::test
