#pragma once

#include <filesystem>
#include <vector>

namespace glint::app {

// `path` itself where it is a file; else all files in it and its folders whose names end as videos' do, sorted. Throws
// Error where it is neither or holds none.
std::vector<std::filesystem::path> list_videos(const std::filesystem::path& path);

}  // namespace glint::app
