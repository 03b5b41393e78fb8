#pragma once

#include <cstdint>
#include <filesystem>

namespace glint {

struct DemoSetOptions {
  std::filesystem::path folder;
  std::uint64_t seed = 1;
  std::int64_t clips = 1300;  // of all three splits: 10 train to 1 val to 2 test; in [kMinDemoClips, kMaxDemoClips]
  int threads = 0;            // 0: one a core
};
constexpr std::int64_t kMinDemoClips = 13;
constexpr std::int64_t kMaxDemoClips = 20000;

struct DemoSetSummary {
  std::int64_t train = 0;  // clips of each split
  std::int64_t val = 0;
  std::int64_t test = 0;
  std::int64_t rendered = 0;  // by this call; the others were there
  std::int64_t bytes = 0;     // of all videos
};

// "Shapes in motion": short videos of one to three events ("first a red circle rises, then a blue star spins"),
// rendered by us and encoded into real files of several kinds, with captions.
//   folder/videos/<split>_<number>.<kind>   folder/manifest.json (written last)   folder/demo_set.json (seed, size)
//   folder/.demo_set.lock (empty; locked while a call works, and left there)
// A test or val caption names exactly one clip of its split; clips tagged "order_pair" have a partner in their split
// that differs in the order of events alone. The same seed and size give the same bytes. Renders only what is not there
// yet, so that an interrupted call is continued by the next. Of several calls for one folder, in any process, one works
// and the others wait for it. Throws Error where the folder holds anything else, Stopped where a signal asked for it
// (core/stop_signal.h).
DemoSetSummary make_demo_set(const DemoSetOptions& options);

}  // namespace glint
