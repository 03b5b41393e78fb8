#include "data/clip_decoder.h"

#include "glint/core/activity.h"
#include "glint/core/error.h"
#include "glint/core/stop_signal.h"
#include "glint/data/clip_frames.h"
#include "glint/media/video_reader.h"

namespace glint {

namespace {

std::size_t decode(const Clip& clip, const VideoConfig& video, const VideoReader::Sink& sink) {
  VideoReader reader(clip.file.string(), reader_options(video));
  const auto numbers = clip_frames(reader, clip, video);
  std::size_t received = 0;
  reader.read_frames(numbers, [&](std::size_t position, const Image& picture) {
    sink(position, picture);
    ++received;
  });
  GLINT_CHECK(received == numbers.size(), received, " of ", numbers.size(), " frames came from ", clip.file.string());
  return received;
}

}  // namespace

std::size_t decode_clip(const Clip& clip, const VideoConfig& video,
                        const std::function<void(std::size_t position, const Image& picture)>& sink) {
  if (stop_requested() != 0) throw Stopped(stop_requested());
  const Activity activity("decodes " + clip.file.filename().string());
  try {
    return decode(clip, video, sink);
  } catch (const std::exception&) {  // reading that a signal ended says nothing of the file
    if (stop_requested() != 0) throw Stopped(stop_requested());
    throw;
  }
}

}  // namespace glint
