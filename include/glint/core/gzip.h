#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace glint {

// The text that the gzip data `bytes` hold, of all their members one after the other. `path` is where they were read,
// for the messages: Error where they are not gzip data, are cut short or damaged, are followed by anything but zeros,
// or would become larger than `limit_bytes`.
std::string gunzip(std::string_view bytes, const std::filesystem::path& path,
                   std::size_t limit_bytes = std::size_t{1} << 32);

}  // namespace glint
