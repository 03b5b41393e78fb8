#pragma once

namespace glint {

// To be called first thing in main(), before any file is opened. Descriptors 0 to 2 that are closed are opened on
// /dev/null: the next files would take their numbers, and what is said would be written into them. Writing to a pipe
// that nobody reads is an error from here on, no longer the end of the process. What std::cout takes goes to descriptor
// 1 through a buffer that keeps the cause where it cannot be written.
void set_up_standard_streams();

// Writes what std::cout still holds. Throws Error or NotNow where any of the output could not be written (a full disk),
// and Stopped where nobody reads it any more: SIGPIPE, as for `head` that has seen enough, or SIGHUP for a terminal.
void flush_output();

}  // namespace glint
