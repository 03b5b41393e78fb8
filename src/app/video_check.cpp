#include "app/video_check.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <new>
#include <optional>
#include <set>

#include "glint/core/error.h"
#include "glint/core/hash.h"
#include "glint/data/clip_frames.h"
#include "glint/media/plain_reader.h"

namespace glint::app {
namespace {

using Hashes = std::map<std::int64_t, std::uint64_t>;  // of a frame's pixels, by its number

constexpr double kSlackSeconds = 1e-6;  // what two ways to compute a time may differ

std::uint64_t hash_of(const Image& image) {
  const std::uint64_t pixels = xxhash64(image.rgb.data(), image.rgb.size());
  const std::int64_t shape[] = {image.width, image.height, static_cast<std::int64_t>(pixels)};
  return xxhash64(shape, sizeof shape);
}

// What decoding everything in order gives where `reader` gave `ours`: by number, and by time where the file tells it.
struct InOrder {
  std::int64_t count = 0;
  Hashes by_number = {};
  Hashes by_time = {};
};

InOrder read_in_order(const VideoReader& reader, const std::string& path, const VideoConfig& video,
                      const Hashes& ours) {
  const auto& times_s = reader.frame_times();
  PlainReader plain(path, reader_options(video));
  InOrder result;
  for (auto next = ours.begin(); plain.next(); ++result.count) {
    const double time_s = plain.time_s();
    while (next != ours.end() && times_s[static_cast<std::size_t>(next->first)] < time_s - kSlackSeconds) ++next;
    const bool has_time =
        next != ours.end() && std::abs(times_s[static_cast<std::size_t>(next->first)] - time_s) <= kSlackSeconds;
    const bool has_number = ours.contains(result.count);
    if (!has_time && !has_number) continue;
    const auto hash = hash_of(plain.image());
    if (has_number) result.by_number[result.count] = hash;
    if (has_time) result.by_time[next->first] = hash;
  }
  return result;
}

VideoCheck compare(const VideoReader& reader, const std::string& path, const VideoConfig& video, const Hashes& ours) {
  const auto in_order = read_in_order(reader, path, video, ours);
  const auto listed = std::ssize(reader.frame_times());
  if (in_order.count != listed || reader.lost_frames() > 0) {
    for (const auto& [frame, hash] : in_order.by_time) {
      if (ours.at(frame) != hash)
        return {VideoState::kBad, concat(path, ": frame ", frame, " is not the one that decoding in order gives"), {}};
    }
    return {
        VideoState::kDamaged, concat(path, ": ", in_order.count, " of its ", listed, " frames decode in order"), {}};
  }
  for (const auto& [frame, hash] : ours) {
    if (in_order.by_number.at(frame) == hash) continue;
    return {VideoState::kBad, concat(path, ": frame ", frame, " is not the one that decoding in order gives"), {}};
  }
  return {};
}

// What is wrong with the clip's window; nothing where it holds frames, whose numbers go into `numbers`.
std::optional<std::string> window_fault(const VideoReader& reader, const Clip& clip, const VideoConfig& video,
                                        std::set<std::int64_t>& numbers) {
  const double length_s = reader.info().duration_s;
  const auto fault = [&](const char* what) {
    return concat("'", clip.id, "': its window ", window_text(clip.start_s, clip.end_s), " s", what, clip.file.string(),
                  ", which is ", length_s, " s long");
  };
  if (clip.start_s.value_or(0) >= length_s) return fault(" begins after the end of ");
  try {
    const auto frames = clip_frames(reader, clip, video);
    numbers.insert(frames.begin(), frames.end());
    return std::nullopt;
  } catch (const Error&) {
    Clip whole = clip;
    whole.start_s = whole.end_s = std::nullopt;
    clip_frames(reader, whole, video);  // throws where it is not the window that is to blame
    return fault(" holds no frame of ");
  }
}

VideoCheck check_frames(VideoReader& reader, const std::string& path, const VideoConfig& video,
                        const std::vector<std::int64_t>& frames, bool exact);

VideoCheck read(const std::vector<Clip>& clips, const VideoConfig& video, bool exact) {
  const std::string path = clips.front().file.string();
  VideoReader reader(path, reader_options(video));
  std::set<std::int64_t> numbers;
  std::vector<BadWindow> windows;
  for (std::size_t i = 0; i < clips.size(); ++i) {
    if (auto fault = window_fault(reader, clips[i], video, numbers)) {
      windows.push_back({i, reader.info().duration_s, std::move(*fault)});
    }
  }
  if (numbers.empty()) numbers.insert(0);  // whether it decodes at all
  auto check = check_frames(reader, path, video, {numbers.begin(), numbers.end()}, exact);
  check.windows = std::move(windows);
  return check;
}

VideoCheck check_frames(VideoReader& reader, const std::string& path, const VideoConfig& video,
                        const std::vector<std::int64_t>& frames, bool exact) {
  Hashes hashes;
  reader.read_frames(
      frames, [&](std::size_t position, const Image& image) { hashes[frames[position]] = exact ? hash_of(image) : 0; });
  if (exact) return compare(reader, path, video, hashes);
  if (reader.lost_frames() == 0) return {};
  return {VideoState::kDamaged,
          concat(path, ": ", reader.lost_frames(), " of the ", frames.size(),
                 " frames that training wants are damaged; the ones before them stand for them"),
          {}};
}

}  // namespace

VideoCheck check_video(const std::vector<Clip>& clips, const VideoConfig& video, bool exact) {
  try {
    return read(clips, video, exact);
  } catch (const BadFile& verdict) {
    return {VideoState::kBad, verdict.what(), {}};
  } catch (const Error& error) {  // it may not be read, or is gone
    return {VideoState::kUnread, error.what(), {}};
  } catch (const NotNow& shortage) {
    return {VideoState::kUnread, shortage.what(), {}};
  } catch (const std::bad_alloc&) {
    return {VideoState::kUnread, concat(clips.front().file.string(), ": the machine has no more memory"), {}};
  }
}

}  // namespace glint::app
