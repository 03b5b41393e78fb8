#pragma once

namespace glint::dist {

// What glint's launcher tells its ranks beside torchrun's variables.
constexpr const char* kListeningSocketVariable = "GLINT_LISTENING_SOCKET";  // rank 0: descriptor, bound and listening

}  // namespace glint::dist
