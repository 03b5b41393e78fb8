#include "media/confinement.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "glint/core/error.h"

#if GLINT_SECCOMP
#include <seccomp.h>
#endif

namespace glint::media {

namespace {

[[noreturn]] void refuse(const char* what) {
  std::fprintf(stderr, "glint-decode: %s: %s\n", what, std::strerror(errno));
  std::_Exit(1);
}

void limit(__rlimit_resource_t resource, rlim_t value) {
  const rlimit both{value, value};
  if (setrlimit(resource, &both) != 0) refuse("setrlimit");
}

#if GLINT_SECCOMP
// What computing, memory, the socket to the parent and the end take. Whatever else is asked for fails with EPERM: a
// library that asks for a comfort goes on without.
constexpr int kAllowed[] = {SCMP_SYS(brk),
                            SCMP_SYS(munmap),
                            SCMP_SYS(mremap),
                            SCMP_SYS(madvise),
                            SCMP_SYS(read),
                            SCMP_SYS(pread64),
                            SCMP_SYS(write),
                            SCMP_SYS(lseek),
                            SCMP_SYS(close),
                            SCMP_SYS(sendmsg),
                            SCMP_SYS(sendto),
                            SCMP_SYS(recvmsg),
                            SCMP_SYS(recvfrom),
                            SCMP_SYS(poll),
                            SCMP_SYS(ppoll),
                            SCMP_SYS(futex),
                            SCMP_SYS(sched_yield),
                            SCMP_SYS(clock_gettime),
                            SCMP_SYS(clock_nanosleep),
                            SCMP_SYS(nanosleep),
                            SCMP_SYS(gettimeofday),
                            SCMP_SYS(getrandom),
                            SCMP_SYS(getpid),
                            SCMP_SYS(gettid),
                            SCMP_SYS(rt_sigaction),
                            SCMP_SYS(rt_sigprocmask),
                            SCMP_SYS(rt_sigreturn),
                            SCMP_SYS(restart_syscall),
                            SCMP_SYS(exit),
                            SCMP_SYS(exit_group),
                            SCMP_SYS(sched_getaffinity)};

void filter_system_calls() {
  const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  if (filter == nullptr) refuse("seccomp_init");
  for (const int call : kAllowed) seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);  // some machines lack some
  // Memory, but none to run code from; a signal (abort's), but to no other process.
  const auto no_code = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
  const auto to_itself = SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(getpid()));
  seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_code);
  seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_code);
  seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, to_itself);
  seccomp_load(filter);  // fails on a kernel without seccomp, where the rest holds all the same; --check tells
  seccomp_release(filter);
}
#else
void filter_system_calls() {}
#endif

std::string line(const char* what, bool is_possible) {
  return concat(what, ": ", is_possible ? "possible" : "refused");
}

bool can_open(const char* path, int flags) {
  const int descriptor = open(path, flags, 0600);
  if (descriptor < 0) return false;
  close(descriptor);
  return true;
}

bool can_start_processes() {
  const pid_t pid = fork();
  if (pid == 0) std::_Exit(0);
  if (pid > 0) waitpid(pid, nullptr, 0);
  return pid > 0;
}

bool can_connect() {
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  if (descriptor < 0) return false;
  close(descriptor);
  return true;
}

bool can_make_code() {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return false;
  munmap(page, 4096);
  return true;
}

bool can_write_files() {
  const int file = memfd_create("glint-decode", 0);
  const bool can = file >= 0 && ftruncate(file, 1) == 0;
  if (file >= 0) close(file);
  return can;
}

bool can_raise_limits() {
  rlimit both{};
  return getrlimit(RLIMIT_FSIZE, &both) == 0 && both.rlim_max != 0;
}

}  // namespace

void confine(pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) refuse("prctl");
  if (getppid() != parent) std::_Exit(0);  // it ended before that call
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) refuse("prctl");
  if (prctl(PR_SET_DUMPABLE, 0) != 0) refuse("prctl");  // no core file, not by a program that takes them either
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  constexpr rlim_t kMostDescriptors = 16;
  limit(RLIMIT_NOFILE, kMostDescriptors);
  filter_system_calls();
}

std::vector<std::string> confinement_report() {
  signal(SIGXFSZ, SIG_IGN);
  return {line("opening a file", can_open("/etc/passwd", O_RDONLY)),
          line("making a file", can_open("/tmp/glint-decode-check", O_WRONLY | O_CREAT)),
          line("writing into files", can_write_files()),
          line("network", can_connect()),
          line("starting processes", can_start_processes()),
          line("making code", can_make_code()),
          line("raising limits", can_raise_limits())};
}

}  // namespace glint::media
