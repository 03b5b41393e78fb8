#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

// The file system's words, in Note [failures]' terms. std::filesystem's own calls throw an exception of theirs for
// everything they meet, or give false for a path that cannot be looked at; scripts/check allows them in files.cpp
// alone.
//
// A question about a path is answered with false only where nothing is there. A path that cannot be looked at (no
// permission, a loop of links, a name too long) is an Error, storage that does not answer NotNow, both with the path.
namespace glint::files {

bool exists(const std::filesystem::path& path);
bool is_file(const std::filesystem::path& path);  // a regular one, through links
bool is_folder(const std::filesystem::path& path);
bool is_link(const std::filesystem::path& path);  // also where it points nowhere
bool is_empty_folder(const std::filesystem::path& path);
std::uintmax_t size(const std::filesystem::path& path);        // bytes; nothing there: Error
std::uintmax_t free_bytes(const std::filesystem::path& path);  // of the file system that holds it
std::filesystem::file_time_type changed(const std::filesystem::path& path);

struct Entry {
  std::filesystem::path path;
  bool is_folder;  // through links; a link that points nowhere is none
};

// What a folder holds, sorted by name; below: what its sub-folders hold too, links to folders not followed.
std::vector<Entry> list(const std::filesystem::path& folder);
std::vector<Entry> list_below(const std::filesystem::path& folder);

// The bytes of a file, some at a time, each time in the same memory.
void for_each_block(const std::filesystem::path& file, const std::function<void(std::string_view)>& use);

void make_folders(const std::filesystem::path& folder);  // with its parents; there already: nothing
bool remove(const std::filesystem::path& path);          // a file, link or empty folder; false: nothing was there
void remove_all(const std::filesystem::path& path);      // with what it holds
void rename(const std::filesystem::path& from, const std::filesystem::path& to);
void copy(const std::filesystem::path& from, const std::filesystem::path& to);  // one file; replaces
void link(const std::filesystem::path& target, const std::filesystem::path& name);
std::filesystem::path target_of(const std::filesystem::path& link);
std::filesystem::path canonical(const std::filesystem::path& path);  // without links; must exist
std::filesystem::path absolute(const std::filesystem::path& path);
std::filesystem::path temporary_folder();  // TMPDIR, or /tmp

}  // namespace glint::files
