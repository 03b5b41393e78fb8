#include "data/tiny_video.h"

#include <fstream>
#include <string>

namespace glint::test {

void write_tiny_video(const std::filesystem::path& path, int frames, int fps, int first) {
  std::ofstream out(path, std::ios::binary);
  out << "YUV4MPEG2 W8 H6 F" << fps << ":1 Ip A1:1 C420jpeg\n";
  for (int i = 0; i < frames; ++i) {
    out << "FRAME\n"
        << std::string(8 * 6, static_cast<char>(first + i)) << std::string(2 * 4 * 3, static_cast<char>(128));
  }
}

}  // namespace glint::test
