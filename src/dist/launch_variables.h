#pragma once

namespace glint::dist {

// What glint's launcher tells its ranks beside torchrun's variables.
constexpr const char* kListeningSocketVariable = "GLINT_LISTENING_SOCKET";  // rank 0: descriptor, bound and listening
constexpr const char* kLaunchedVariable = "GLINT_LAUNCHED";                 // "1"

// A rank that loses the others leaves the word to the launcher, which knows who died, ends all within kEndAfterSeconds
// of a death, and so this rank too. It speaks for itself where that does not happen.
constexpr double kEndAfterSeconds = 1;
constexpr double kWaitForLauncherSeconds = 4;
constexpr double kWaitForOthersSeconds = 4.5;  // rank 0, without a launcher

}  // namespace glint::dist
