#include "data/tiny_video.h"

#include <fstream>
#include <string>

#include "glint/core/random.h"

namespace glint::test {

void write_tiny_video(const std::filesystem::path& path, int frames, int fps, int first) {
  std::ofstream out(path, std::ios::binary);
  out << "YUV4MPEG2 W8 H6 F" << fps << ":1 Ip A1:1 C420jpeg\n";
  for (int i = 0; i < frames; ++i) {
    out << "FRAME\n"
        << std::string(8 * 6, static_cast<char>(first + i)) << std::string(2 * 4 * 3, static_cast<char>(128));
  }
}

void write_still_video(const std::filesystem::path& path, int frames, int width, int height, std::uint64_t seed) {
  Random random({seed});
  std::string picture;  // the luma, then two planes of a quarter each
  for (int i = 0; i < width * height; ++i) picture += static_cast<char>(16 + random.below(220));
  for (int i = 0; i < 2 * ((width + 1) / 2) * ((height + 1) / 2); ++i) {
    picture += static_cast<char>(64 + random.below(128));
  }
  std::ofstream out(path, std::ios::binary);
  out << "YUV4MPEG2 W" << width << " H" << height << " F1:1 Ip A1:1 C420jpeg\n";
  for (int i = 0; i < frames; ++i) out << "FRAME\n" << picture;
}

}  // namespace glint::test
