#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace glint::media {

// Takes from the calling process what a decoder does not need, for good: new privileges, core files, written files,
// more than 16 descriptors; and, where glint was built with libseccomp, all system calls but those that compute, read
// and write open descriptors and get memory. It ends with the thread of `parent` that started it. Ends the process at
// once where `parent` is gone already, and with a message where something is refused.
void confine(pid_t parent);

// What is and is not held here, tried out in this process, which must be confined: a line each.
std::vector<std::string> confinement_report();

}  // namespace glint::media
