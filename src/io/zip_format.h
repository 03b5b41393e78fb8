#pragma once

#include <cstdint>

// Numbers of the zip format that its reader and its writer share (PKWARE's APPNOTE).

namespace glint {

inline constexpr std::uint64_t kZipHeaderBytes = 30;   // of a member's own header, without its name
inline constexpr std::uint64_t kZipIn64 = 0xFFFFFFFF;  // stands for a number that zip64's extra field holds

}  // namespace glint
