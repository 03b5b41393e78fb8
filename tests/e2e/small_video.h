#pragma once

#include <filesystem>

namespace glint::test {

// 50 frames of 64 x 48 at 25 frames a second, each grey and lighter than the one before it, the last 10 after a gap of
// a second.
void small_video(const std::filesystem::path& path);

}  // namespace glint::test
