#include "media/av.h"

#include <mutex>

namespace glint::media {

std::string av_text(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof text);
  return text;
}

int av_check(int code, const std::string& path, const char* what) {
  if (code < 0) throw Error(path, ": ", what, ": ", av_text(code));
  return code;
}

void quiet_libav() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_level(AV_LOG_QUIET); });
}

}  // namespace glint::media
