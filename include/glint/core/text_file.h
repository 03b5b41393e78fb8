#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

// Text files of the user's: every door asks here, so that each refuses the same things in the same words.

namespace glint {

constexpr std::size_t kTextFileLimit = std::size_t{1} << 30;  // bytes, packed and unpacked

// The file's text, unpacked where it is gzip data, without a byte order mark. Error naming the line where it is not
// UTF-8, and where it is something else than a text: a Git LFS pointer, an HTML page, an archive, UTF-16.
std::string read_text(const std::filesystem::path& path, std::size_t limit_bytes = kTextFileLimit);

// The same bytes, whatever they are.
std::string read_unpacked(const std::filesystem::path& path, std::size_t limit_bytes = kTextFileLimit);

// What read_text() asks of text that was read in another way. `file`: for the messages.
void require_text(std::string_view text, const std::string& file);

// Calls `take(line, number)` for each line (ended by LF, CRLF, or CR where there is no LF), empty ones too; an empty
// last one is none. Lines keep the white space around them.
void for_each_line(std::string_view text, const std::function<void(std::string_view, int64_t)>& take);

}  // namespace glint
