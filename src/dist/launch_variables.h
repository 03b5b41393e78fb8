#pragma once

namespace glint::dist {

// What glint's launcher tells its ranks beside torchrun's variables.
constexpr const char* kListeningSocketVariable = "GLINT_LISTENING_SOCKET";  // rank 0: descriptor, bound and listening
constexpr const char* kLaunchedVariable = "GLINT_LAUNCHED";                 // "1"

// A rank that loses the others leaves the word to the launcher, which knows who died, asks all to
// stop, and ends those that do not. It speaks for itself where that does not happen.
constexpr double kEndAfterSeconds = 1;
// Before, the launcher asks the others to stop and gives them time for the step that they are in; rank 0 then saves
// what has been trained, and its activity, which the launcher reads, says so.
constexpr double kFinishStepSeconds = 20;
constexpr const char* kSaves = "saves step ";
constexpr double kEndWhileSavingSeconds = 300;
constexpr double kWaitForLauncherSeconds = 4;
constexpr double kWaitForOthersSeconds = 4.5;  // rank 0, without a launcher

}  // namespace glint::dist
