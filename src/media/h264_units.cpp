#include "media/h264_units.h"

#include <algorithm>
#include <optional>
#include <span>

namespace glint::media {

namespace {

using Unit = std::span<const std::uint8_t>;

enum UnitType { kSlice = 1, kWholeRefresh = 5, kSupplement = 6 };

// Takes the next unit off `rest`; none after the last, or where a length is wrong.
std::optional<Unit> next_unit(Unit& rest, int length_bytes) {
  static constexpr std::uint8_t kCode[] = {0, 0, 1};
  if (length_bytes == 0) {
    const auto code = std::search(rest.begin(), rest.end(), std::begin(kCode), std::end(kCode));
    if (rest.end() - code < 4) return std::nullopt;
    rest = rest.subspan(static_cast<std::size_t>(code - rest.begin()) + 3);
    const auto end = std::search(rest.begin(), rest.end(), std::begin(kCode), std::end(kCode));
    return rest.first(static_cast<std::size_t>(end - rest.begin()));
  }
  const auto prefix = static_cast<std::size_t>(length_bytes);
  if (rest.size() <= prefix) return std::nullopt;
  std::size_t length = 0;
  for (const auto byte : rest.first(prefix)) length = length << 8 | byte;
  rest = rest.subspan(prefix);
  if (length == 0 || length > rest.size()) return std::nullopt;
  const Unit unit = rest.first(length);
  rest = rest.subspan(length);
  return unit;
}

// A number that is written as as many bytes of 255 as it takes, and the remainder.
std::size_t take_number(Unit& rest) {
  std::size_t number = 0;
  while (!rest.empty()) {
    const auto byte = rest.front();
    rest = rest.subspan(1);
    number += byte;
    if (byte != 255) break;
  }
  return number;
}

// A supplement's message "recovery point" begins with the number of frames until then, whose first bit is 1 for none.
bool recovers_later(Unit supplement) {
  constexpr std::size_t kRecoveryPoint = 6;
  for (Unit rest = supplement.subspan(1); rest.size() > 2;) {
    const auto type = take_number(rest);
    const auto size = take_number(rest);
    if (size == 0 || size > rest.size()) return false;
    if (type == kRecoveryPoint) return (rest.front() & 0x80) == 0;
    rest = rest.subspan(size);
  }
  return false;
}

}  // namespace

int h264_length_bytes(const AVCodecParameters& parameters) {
  const bool has_lengths = parameters.extradata_size >= 7 && parameters.extradata[0] == 1;
  return has_lengths ? (parameters.extradata[4] & 3) + 1 : 0;
}

bool refreshes_gradually(const AVPacket& packet, int length_bytes) {
  Unit rest(packet.data, static_cast<std::size_t>(packet.size));
  while (const auto unit = next_unit(rest, length_bytes)) {
    const int type = unit->front() & 31;
    if (type == kSlice || type == kWholeRefresh) return false;
    if (type == kSupplement && recovers_later(*unit)) return true;
  }
  return false;
}

}  // namespace glint::media
