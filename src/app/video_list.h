#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace glint::app {

// `path` itself where it is a file; else all files in it and its folders whose names end as videos' do, sorted. Throws
// Error where it is neither or holds none.
std::vector<std::filesystem::path> list_videos(const std::filesystem::path& path);

// The same for videos whose names become ids in a file of features, or the videos that a text file (.txt, .lst) names,
// one a line, from its own folder on. Error, before any work, for names that are not UTF-8.
std::vector<std::filesystem::path> videos_to_encode(const std::filesystem::path& path);

// The texts of a file, one a line; empty lines are none. Error naming the line for one that is blank or not UTF-8.
std::vector<std::string> texts_to_encode(const std::filesystem::path& path);

}  // namespace glint::app
