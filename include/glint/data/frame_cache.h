#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "glint/config/data_config.h"
#include "glint/config/video_config.h"
#include "glint/datasets/dataset.h"
#include "glint/media/image.h"

namespace glint {

// Decoded clips in a folder of pack files (docs/formats.md, "Frame cache"), mapped into memory. It keeps frames as the
// towers take them, or, made for a video.augment, the pictures at the size of the file. Thread-safe.
class FrameCache {
 public:
  // Opens data.cache. Throws Error where it holds no cache, one made for other settings (naming them), one with a file
  // that is damaged or cut short (naming it), or where a video has changed since it was cached (naming it).
  FrameCache(const DataConfig& data, const VideoConfig& video);
  ~FrameCache();

  bool keeps_pictures() const;

  // The clip's number in the cache; none where it is not there. A file that moved is known by its content.
  std::optional<std::size_t> find(const Clip& clip);

  // Where frames are kept: writes the clip's, uint8 [count, 3, R, R], count <= video.num_frames. -> count. Throws Error
  // naming the pack where the clip's bytes do not match their checksum.
  std::size_t read_frames(std::size_t clip, std::uint8_t* out);

  // Where pictures are kept: hands them over in order. Throws as above, before the first.
  using PictureSink = std::function<void(std::size_t position, const Image& picture)>;
  void read_pictures(std::size_t clip, const PictureSink& sink);

  // What a picture (a frame as a picture, where frames are kept) is after a way through data.cache_codec: the same for
  // raw. A clip that the cache lacks becomes by it what it would be there.
  bool is_lossy() const;
  void make_as_kept(Image& picture) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct UncachedClip {
  std::string clip;
  std::string cause;
};

struct CacheBuild {
  std::int64_t clips = 0;  // asked for: of different file or window
  std::int64_t kept = 0;   // stood in the cache before
  std::int64_t made = 0;
  std::vector<UncachedClip> bad;  // could not be decoded
  std::int64_t bytes = 0;         // of the clips in the packs
  double seconds = 0;
};

// Decodes what of `clips` data.cache does not hold yet, data.workers at a time, and adds it. Whatever ends it early, a
// signal (Stopped), a full disk (Error) or a kill, the clips finished by then stay and the next call goes on. Throws
// Error where the folder holds a cache for other settings, or another builder works in it.
CacheBuild build_frame_cache(const std::vector<Clip>& clips, const DataConfig& data, const VideoConfig& video);

struct CacheCheck {
  std::int64_t clips = 0;             // asked for
  std::int64_t sound = 0;             // of them: there, matching their checksum and their source's content
  std::vector<UncachedClip> missing;  // with what the cache holds instead: nothing, or a file that changed
  std::vector<std::string> damaged;   // a sentence for each file or clip of the cache that is
  std::int64_t bytes = 0;             // of all packs
  std::int64_t unused_bytes = 0;      // of them: clips that no video has any more
};

// Reads all of data.cache and of the clips' files. Throws Error where the cache cannot be opened at all.
CacheCheck check_frame_cache(const std::vector<Clip>& clips, const DataConfig& data, const VideoConfig& video);

}  // namespace glint
