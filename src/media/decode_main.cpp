#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "media/confinement.h"
#include "media/decode_server.h"

// glint-decode: one decoder in a process of its own, which glint starts (worker_process.h) with its process number as
// the only argument. `glint-decode --check` tries out what such a process may do.
int main(int argc, char** argv) {
  using namespace glint::media;
  if (argc == 2 && std::strcmp(argv[1], "--check") == 0) {
    confine(getppid());
    for (const auto& line : confinement_report()) std::puts(line.c_str());
    return 0;
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
