#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace glint {

// SHA-256 as 64 lower-case hexadecimal digits.
std::string sha256(std::string_view bytes);
std::string sha256_of_file(const std::filesystem::path& path);

// XXH3, 64 bits: quick checks of our own files, never of trust.
std::uint64_t xxhash64(const void* data, std::size_t size);
std::string xxhash64_of_file(const std::filesystem::path& path);  // 16 hexadecimal digits

}  // namespace glint
