#pragma once

#include <optional>

namespace glint {

// ReaderOptions::isolate starts this program once more for each file that is open at a time, as a decoder that lives
// until its starter ends. So main() calls this first of all: -> the exit code where this process is such a decoder,
// which main() returns at once; none elsewhere. A program that does not call it decodes in those of the glint program
// that the environment variable GLINT_PROGRAM names.
std::optional<int> run_decode_worker(int argc, char** argv);

}  // namespace glint
