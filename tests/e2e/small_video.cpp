#include "e2e/small_video.h"

#include <algorithm>

#include "glint/media/video_writer.h"

namespace glint::test {

void small_video(const std::filesystem::path& path) {
  VideoWriterOptions options;
  options.width = 64;
  options.height = 48;
  VideoWriter writer(path, options);
  Image image(64, 48);
  for (int i = 0; i < 50; ++i) {
    std::fill(image.rgb.begin(), image.rgb.end(), static_cast<std::uint8_t>(i * 5));
    writer.add(image, i < 40 ? i : i + 25);
  }
  writer.finish();
}

}  // namespace glint::test
