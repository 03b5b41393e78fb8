#include "e2e/hosts.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"

namespace glint::test {

namespace {

constexpr const char* kPath = "PATH=$PATH:/usr/sbin:/sbin; ";

// In a child process: leaves this machine's names, mounts and networks.
bool leave(const std::string& name, const std::string& hosts_file) {
  return unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS) == 0 && sethostname(name.c_str(), name.size()) == 0 &&
         mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         (hosts_file.empty() || mount(hosts_file.c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr) == 0);
}

std::string hosts_file(int own, int count) {
  auto text = concat("127.0.0.1 localhost\n127.0.1.1 ", Hosts::name(own), "\n");
  for (int host = 1; host <= count; ++host) {
    if (host != own) text += concat(Hosts::address(host), " ", Hosts::name(host), "\n");
  }
  return text;
}

}  // namespace

std::string Hosts::obstacle() {
  const pid_t pid = fork();
  if (pid == 0) {
    if (!leave("node", "")) _exit(1);
    _exit(
        std::system(
            concat(kPath, "(ip link add br0 type bridge && ip link add cable0 type veth peer name cable1) 2>/dev/null")
                .c_str()) == 0
            ? 0
            : 1);
  }
  int status = 1;
  waitpid(pid, &status, 0);
  return status == 0 ? "" : "no networks of our own here: this needs root, Linux' namespaces, bridges and iproute2";
}

Hosts::Hosts(int count) {
  machines_.push_back(hold("switch", ""));
  run_in(machines_[0], "ip link add br0 type bridge && ip link set br0 up");
  for (int host = 1; host <= count; ++host) {
    const auto file = folder_ / name(host);
    write_file(file, hosts_file(host, count));
    machines_.push_back(hold(name(host), file));
    run_in(machines_[0], concat("ip link add port", host, " type veth peer name eth0 netns ", machines_.back(),
                                " && ip link set port", host, " master br0 up"));
    run(host, "ip link set lo up && ip link add docker0 type veth peer name docker1");
    for (const auto& [network, own] :
         {std::pair<std::string, std::string>{"docker0", "172.17.0.1"}, {"eth0", address(host)}}) {
      run(host, concat("ip addr add ", own, "/24 dev ", network, " && ip link set ", network, " up"));
    }
  }
}

Hosts::~Hosts() {
  for (const auto machine : machines_) {
    kill(machine, SIGKILL);
    waitpid(machine, nullptr, 0);
  }
}

pid_t Hosts::hold(const std::string& name, const std::string& hosts_file) {
  int ready[2];
  if (pipe(ready) != 0) throw Error("no pipe");
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (leave(name, hosts_file) && ::write(ready[1], "y", 1) == 1) {
      while (true) pause();
    }
    _exit(1);
  }
  close(ready[1]);
  char answer = 'n';
  const bool is_there = read(ready[0], &answer, 1) == 1;
  close(ready[0]);
  if (!is_there) throw Error(name, ": no namespaces");
  return pid;
}

std::unique_ptr<Program> Hosts::start(int host, const std::vector<std::string>& words, ProgramOptions options) const {
  // A process that enters other mounts stands at their root.
  const auto here = std::filesystem::current_path().string();
  const auto program = options.program.empty() ? program_file() : options.program;
  const auto machine = std::to_string(machines_.at(static_cast<std::size_t>(host)));
  std::vector<std::string> all = {"--target", machine, "--net", "--mount", "--uts", "--"};
  all.insert(all.end(), {"setpriv", "--pdeathsig", "KILL"});  // a test that is killed leaves no ranks behind
  all.insert(all.end(), {"env", "-C", here, program});
  all.insert(all.end(), words.begin(), words.end());
  options.program = "/usr/bin/nsenter";
  return std::make_unique<Program>(all, options);
}

void Hosts::run(int host, const std::string& line) const {
  run_in(machines_.at(static_cast<std::size_t>(host)), line);
}

void Hosts::unplug(int host) const {
  run_in(machines_[0], concat("ip link set port", host, " down"));
}

void Hosts::run_in(pid_t namespaces, const std::string& line) const {
  const auto result =
      run_program({"--target", std::to_string(namespaces), "--net", "--mount", "--uts", "--", "sh", "-c", kPath + line},
                  {.program = "/usr/bin/nsenter"});
  if (result.exit_code != 0) throw Error(line, ": ", result.err);
}

}  // namespace glint::test
