#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "fuzz/scratch_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/media/plain_reader.h"
#include "glint/media/video_reader.h"
#include "glint/media/video_writer.h"

// Damaged video files. A short input is a recipe: its first byte picks a small video made when the program starts, each
// four bytes after it overwrite one byte (three: where, as a share of the file; one: with what; the last one of all may
// cut the file there). A longer input is a whole file.

namespace {

constexpr std::size_t kLongestRecipe = 256;

std::vector<std::string> g_videos;  // whole files

std::string make_video(const std::string& codec, const std::string& extension,
                       const std::vector<std::int32_t>& display_matrix = {}) {
  const auto path = std::filesystem::temp_directory_path() / glint::concat("glint_fuzz_", getpid(), extension);
  glint::VideoWriterOptions options;
  options.codec = codec;
  options.width = 48;
  options.height = 32;
  options.gop = 8;
  options.display_matrix = display_matrix;
  glint::VideoWriter writer(path, options);
  glint::Image image(options.width, options.height);
  for (int time = 0; time < 20; ++time) {
    for (std::size_t i = 0; i < image.rgb.size(); ++i)
      image.rgb[i] = static_cast<std::uint8_t>(i * time / 7 + time * 9);
    writer.add(image, time);
  }
  writer.finish();
  auto bytes = glint::read_file(path);
  std::filesystem::remove(path);
  return bytes;
}

std::string cooked(const std::uint8_t* recipe, std::size_t size) {
  std::string bytes = g_videos[size > 0 ? recipe[0] % g_videos.size() : 0];
  for (std::size_t i = 1; i + 4 <= size; i += 4) {
    const std::size_t share = recipe[i] << 16 | recipe[i + 1] << 8 | recipe[i + 2];
    const std::size_t place = bytes.size() * share >> 24;
    const bool is_last = i + 8 > size;
    if (is_last && recipe[i + 3] % 4 == 0) {
      bytes.resize(place);
    } else if (place < bytes.size()) {
      bytes[place] = static_cast<char>(recipe[i + 3]);
    }
  }
  return bytes;
}

void read_some(const std::filesystem::path& path) {
  glint::ReaderOptions options;
  options.timeout_s = 5;
  options.max_pixels = 4 << 20;
  options.max_frames = 10'000;
  glint::VideoReader reader(path, options);
  const auto& times_s = reader.frame_times();
  GLINT_CHECK(!times_s.empty(), "no frame and no error");
  for (std::size_t i = 1; i < times_s.size(); ++i) {
    GLINT_CHECK(times_s[i] > times_s[i - 1], "frame ", i, " at ", times_s[i], " s after ", times_s[i - 1]);
  }
  const auto last = std::ssize(times_s) - 1;
  std::size_t count = 0;
  reader.read_frames({0, last / 2, last}, [&](std::size_t position, const glint::Image& image) {
    GLINT_CHECK(position == count++, "frame ", position, " out of turn");
    GLINT_CHECK(image.rgb.size() == static_cast<std::size_t>(image.width) * image.height * 3, image.width);
  });
  GLINT_CHECK(count == 3, count, " of 3 frames");
  glint::PlainReader plain(path, options);
  for (int i = 0; i < 3 && plain.next(); ++i) plain.image();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  try {
    const std::array<std::array<const char*, 2>, 5> kinds = {
        {{"libx264", ".mp4"}, {"libvpx-vp9", ".mkv"}, {"mpeg4", ".avi"}, {"mpeg4", ".mov"}, {"libvpx", ".webm"}}};
    for (const auto& [codec, extension] : kinds) g_videos.push_back(make_video(codec, extension));
    // Turned and mirrored; a live recording whose clock begins anew; a transport stream.
    g_videos.push_back(make_video("mpeg4", ".mov", {0, -65536, 0, -65536, 0, 0, 0, 0, 1 << 30}));
    const auto live = make_video("flv", ".flv");
    constexpr std::size_t kHeaderBytes = 13;
    g_videos.push_back(live + live.substr(kHeaderBytes));
    const auto stream = make_video("mpeg2video", ".ts");
    g_videos.push_back(stream + stream);
  } catch (const glint::Error& missing) {
    std::fprintf(stderr, "skipped: %s\n", missing.what());
    std::exit(77);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static glint::fuzz::ScratchFile file;
  const std::string bytes = size <= kLongestRecipe ? cooked(data, size) : std::string(data, data + size);
  try {
    read_some(file.holding(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
  } catch (const glint::Error&) {   // refused, as it should be
  } catch (const glint::NotNow&) {  // more memory than this process may have
  }
  return 0;
}
