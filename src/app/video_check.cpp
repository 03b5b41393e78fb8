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
        return {VideoState::kBad, concat(path, ": frame ", frame, " is not the one that decoding in order gives")};
    }
    return {VideoState::kDamaged, concat(path, ": ", in_order.count, " of its ", listed, " frames decode in order")};
  }
  for (const auto& [frame, hash] : ours) {
    if (in_order.by_number.at(frame) == hash) continue;
    return {VideoState::kBad, concat(path, ": frame ", frame, " is not the one that decoding in order gives")};
  }
  return {};
}

VideoCheck read(const std::vector<Clip>& clips, const VideoConfig& video, bool exact) {
  const std::string path = clips.front().file.string();
  VideoReader reader(path, reader_options(video));
  std::set<std::int64_t> numbers;
  for (const auto& clip : clips) {
    for (const auto frame : clip_frames(reader, clip, video)) numbers.insert(frame);
  }
  const std::vector<std::int64_t> frames(numbers.begin(), numbers.end());
  Hashes hashes;
  reader.read_frames(
      frames, [&](std::size_t position, const Image& image) { hashes[frames[position]] = exact ? hash_of(image) : 0; });
  if (exact) return compare(reader, path, video, hashes);
  if (reader.lost_frames() == 0) return {};
  return {VideoState::kDamaged, concat(path, ": ", reader.lost_frames(), " of the ", frames.size(),
                                       " frames that training wants are damaged; the ones before them stand for them")};
}

}  // namespace

VideoCheck check_video(const std::vector<Clip>& clips, const VideoConfig& video, bool exact) {
  try {
    return read(clips, video, exact);
  } catch (const Error& error) {
    return {VideoState::kBad, error.what()};
  } catch (const std::bad_alloc&) {
    return {VideoState::kBad, concat(clips.front().file.string(), ": takes more memory than there is")};
  }
}

}  // namespace glint::app
