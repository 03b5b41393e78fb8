#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "media/confinement.h"
#include "media/decode_server.h"

namespace {

// A process so confined can write into no file, which stdout may be: it tells this one, which prints.
int check() {
  using namespace glint::media;
  int ends[2];
  if (pipe(ends) != 0) return 1;
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    confine(parent);
    for (const auto& line : confinement_report()) dprintf(ends[1], "%s\n", line.c_str());
    std::_Exit(0);
  }
  close(ends[1]);
  char text[4096];
  for (ssize_t got; (got = read(ends[0], text, sizeof text)) > 0;)
    std::fwrite(text, 1, static_cast<std::size_t>(got), stdout);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) return 1;
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace

// glint-decode: one decoder in a process of its own, which glint starts (worker_process.h) with its process number as
// the only argument. `glint-decode --check` tries out what such a process may do.
int main(int argc, char** argv) {
  using namespace glint::media;
  if (argc == 2 && std::strcmp(argv[1], "--check") == 0) {
    return check();
  }
  char* end = nullptr;
  const long parent = argc == 2 ? std::strtol(argv[1], &end, 10) : 0;
  if (parent <= 0 || *end != '\0') {
    std::fputs(
        "glint-decode decodes videos for glint, which starts it where video.isolate=true; by itself it does "
        "nothing. glint-decode --check shows what it may do.\n",
        stderr);
    return 1;
  }
  // Frames come and go: their memory is kept rather than given back and asked for again.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
  confine(static_cast<pid_t>(parent));
  return serve_decoding();
}
