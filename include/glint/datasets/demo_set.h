#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace glint {

// The kind of set on which a caption names one moment of a clip and says nothing about the others.
struct DemoMoments {
  std::int64_t min_events = 4;  // moments of a clip; in [kMinDemoEvents, kMaxDemoEvents]
  std::int64_t max_events = 4;
  double min_seconds = 4;  // length of a clip; in [kMinDemoSeconds, kMaxDemoSeconds]
  double max_seconds = 6;
};
constexpr std::int64_t kMinDemoEvents = 2;
constexpr std::int64_t kMaxDemoEvents = 8;
constexpr double kMinDemoSeconds = 3;
constexpr double kMaxDemoSeconds = 40;

struct DemoSetOptions {
  std::filesystem::path folder;
  std::uint64_t seed = 1;
  std::int64_t clips = 1300;  // of all three splits: 10 train to 1 val to 2 test; in [kMinDemoClips, kMaxDemoClips]
  int threads = 0;            // 0: one a core
  std::optional<DemoMoments> moments = {};  // without: captions tell a clip's one to three events, all of them
};
constexpr std::int64_t kMinDemoClips = 13;
constexpr std::int64_t kMaxDemoClips = 20000;
constexpr std::int64_t kMaxDemoMomentsClips = 2600;  // there are 840 moments, and each test clip needs one of its own

struct DemoSetSummary {
  std::int64_t train = 0;  // clips of each split
  std::int64_t val = 0;
  std::int64_t test = 0;
  std::int64_t rendered = 0;  // by this call; the others were there
  std::int64_t bytes = 0;     // of all videos
};

// "Shapes in motion": short videos of one to three events ("first a red circle rises, then a blue star spins"),
// rendered by us and encoded into real files of several kinds, with captions.
//   folder/videos/<split>_<number>.<kind>   folder/manifest.json (written last)   folder/demo_set.json (the options)
//   folder/.demo_set.lock (empty; locked while a call works, and left there)
// A test or val caption names exactly one clip of its split; clips tagged "order_pair" have a partner in their split
// that differs in the order of events alone.
// With `moments` a clip shows several moments, one after the other, of two things beside one another ("a red circle
// next to a blue star"). All clips show about the same colours and shapes; what differs is which of them meet. A test
// or val caption names one moment, which no other clip of its split shows; the other moments are in no caption. Tags:
// "events_<N>", "named_first", "named_middle" or "named_last" (place of the named moment), and "distractor" for clips
// with a partner in their split that shows the same colours and shapes at the same times with the shapes exchanged.
// The same options give the same bytes. Renders only what is not there
// yet, so that an interrupted call is continued by the next. Of several calls for one folder, in any process, one works
// and the others wait for it. Throws Error where the folder holds anything else, Stopped where a signal asked for it
// (core/stop_signal.h).
DemoSetSummary make_demo_set(const DemoSetOptions& options);

}  // namespace glint
