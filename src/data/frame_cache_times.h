#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/frame_cache_format.h"

namespace glint::cache {

// That no source of `records` has changed, by size and time of writing; Error naming the first that has. Sources that
// are not there any more, or that this user may not look at, are passed over: their clips are asked for under other
// paths. Where only the time differs (a copy, an archive unpacked again) the content is read, once a file and by one
// process at a time, with a line that says so; the new times go into index.glint, so that the next start need not.
void check_sources(const std::filesystem::path& folder, std::uint64_t settings, const std::vector<Record>& records,
                   std::int64_t workers);

}  // namespace glint::cache
