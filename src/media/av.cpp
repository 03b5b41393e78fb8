#include "media/av.h"

#include <cerrno>
#include <mutex>

namespace glint::media {

std::string av_text(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof text);
  return text;
}

int av_check(int code, const std::string& path, const char* what) {
  if (code >= 0) return code;
  if (code == AVERROR(ENOMEM)) throw_no_memory(path);
  if (code == AVERROR(EAGAIN)) throw_errno(concat(path, ": ", what), EAGAIN);
  throw BadFile(path, ": ", what, ": ", av_text(code));
}

void throw_no_memory(const std::string& path) {
  if (errno == ENOMEM) {
    throw NotNow(path, ": the machine has no more memory to decode it in now; lower data.workers or data.cache_mb");
  }
  throw BadFile(path, ": decoding it wants more memory than any video needs; it may be damaged");
}

void quiet_libav() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_level(AV_LOG_QUIET); });
}

}  // namespace glint::media
