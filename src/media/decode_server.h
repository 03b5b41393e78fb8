#pragma once

namespace glint::media {

// glint-decode's work: answers what comes over kWorkerSocket until the other end is closed. -> exit code.
int serve_decoding();

}  // namespace glint::media
