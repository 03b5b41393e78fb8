#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

// What lies where a reader expected its own format: a Git LFS pointer, a login page, an archive, nothing. Readers ask
// where they refuse a file, because the place of the first byte that does not fit helps nobody.

namespace glint {

// "is a Git LFS pointer, not the file that it stands for; git lfs pull fetches that": what the first bytes of a file
// show, with what to do; none where they show nothing that is known. `start`: its first 512 bytes, or all of it.
std::optional<std::string> kind_of_bytes(std::string_view start);
// The same of a file; none where it cannot be read.
std::optional<std::string> kind_of_file(const std::filesystem::path& path);
// The same for a reader of videos, which has words of its own for a damaged one.
std::optional<std::string> kind_that_is_no_video(std::string_view start);

// The same for a reader of text, to which text itself is no surprise.
std::optional<std::string> kind_that_is_no_text(std::string_view start);

// Throws BadFile: "PATH: is a zip archive; unpack it", or "PATH: OTHERWISE" where the file's beginning shows nothing.
[[noreturn]] void refuse_file(const std::filesystem::path& path, const std::string& otherwise);

}  // namespace glint
