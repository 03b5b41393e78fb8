#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "glint/config/data_config.h"
#include "glint/config/video_config.h"
#include "glint/datasets/dataset.h"

namespace glint {

// The frames of one clip as the towers take them. T = video.num_frames, R = video.image_size.
struct ClipFrames {
  torch::Tensor frames;  // uint8 [T, 3, R, R]; zeros where the clip is shorter
  torch::Tensor mask;    // int64 [T]; 1 on real frames
  std::string error;     // why the file is bad and gave none (frames zero, mask all zero); empty where it is sound
};

// File -> frames: opens, samples, decodes, augments and transforms, or takes what data.cache holds of that.
// Thread-safe. A clip whose file is bad is not tried again. Where it is the machine that fails (NotNow), or a file that
// is suddenly not there, the clip is tried once more a moment later, and then the exception is passed on: it says
// nothing of the file. A clip that data.cache lacks, or holds damaged, is decoded, which gives the same frames; the
// first is named, the others are counted. Keeps decoded clips in memory
// until data.cache_mb are full; those stay: as the towers take them, or, with video.augment, their pictures at the size
// of the file, since each epoch makes other frames of them (12 frames of 224 x 224 take 1.8 MB, of 320 x 240 2.8 MB, of
// 1280 x 720 33 MB).
class ClipSource {
 public:
  // Throws Error where data.cache names a folder that FrameCache refuses.
  ClipSource(const DataConfig& data, const VideoConfig& video);
  ~ClipSource();

  // As evaluation sees the clip, or, with a key, as training does: augmented as video.augment says, one draw for all
  // frames, made from `augment_key` alone.
  // Throws Error or NotNow where the file cannot be read and that is not its fault, Stopped where a signal asked to
  // stop, in the middle of a file too.
  ClipFrames read(const Clip& clip, std::optional<uint64_t> augment_key = std::nullopt);
  // The same into the caller's memory: uint8 [T, 3, R, R] and int64 [T]. -> ClipFrames::error
  std::string read_into(const Clip& clip, std::optional<uint64_t> augment_key, std::uint8_t* frames,
                        std::int64_t* mask);

  // Takes the clip's file for bad without looking at it: what an earlier process found out.
  void leave_out(const Clip& clip, const std::string& cause);

  // Of data.cache_mb, others leave as much free as these clips take once they are kept. Without video.augment, where
  // that is known.
  void keep_room_for(const std::vector<Clip>& clips);

  int64_t num_frames() const;  // T
  int64_t image_size() const;  // R

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace glint
