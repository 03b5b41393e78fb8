#include "train/real_frames.h"

#include <torch/torch.h>

#include "glint/data/clip_source.h"
#include "support/environment.h"

namespace glint::test {

torch::Tensor real_frames(int64_t side) {
  const auto shared = shared_dir();
  if (!shared) {
    say_left_out("frames of a real video");
    torch::manual_seed(7);
    return torch::randint(0, 256, {5, 3, side, side}, torch::kUInt8);
  }
  VideoConfig video;
  video.num_frames = 5;
  video.image_size = side;
  video.sampling = "uniform_3fps";
  Clip clip;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*shared / "data/real_clips")) {
    if (entry.path().extension() == ".mp4" && (clip.file.empty() || entry.path() < clip.file)) clip.file = entry.path();
  }
  const auto frames = ClipSource({}, video).read(clip);
  return frames.frames.slice(0, 0, frames.mask.sum().item<int64_t>());  // the real ones stand first
}

}  // namespace glint::test
