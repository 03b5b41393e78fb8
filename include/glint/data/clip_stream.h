#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <future>
#include <vector>

#include "glint/core/thread_pool.h"
#include "glint/data/clip_source.h"
#include "glint/datasets/dataset.h"

namespace glint {

// Hands out clips' frames in order, each once, while `workers` threads (> 0) read up to `ahead` (> 0) before they are
// asked for. `clips` and `source` outlive it. For one thread.
class ClipStream {
 public:
  ClipStream(const std::vector<Clip>& clips, ClipSource& source, int64_t workers, int64_t ahead);
  ~ClipStream();  // what has not begun is not read
  ClipStream(const ClipStream&) = delete;
  ClipStream& operator=(const ClipStream&) = delete;

  // At most clips.size() calls. Throws Stopped where a signal asked to stop.
  ClipFrames next();

 private:
  const std::vector<Clip>& clips_;
  ClipSource& source_;
  std::size_t ahead_;
  std::size_t submitted_ = 0;
  std::deque<std::future<ClipFrames>> pending_;
  ThreadPool pool_;  // last: its threads end before what they use
};

}  // namespace glint
