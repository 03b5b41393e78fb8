#pragma once

#include <cstddef>

namespace glint {

constexpr std::size_t kMaxTorchPickle = std::size_t{64} << 20;  // bytes; the largest models' have a few
constexpr auto kBigEndian = "was written on a big-endian machine; save it anew on another one";

}  // namespace glint
