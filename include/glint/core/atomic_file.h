#pragma once

#include <filesystem>
#include <string>

namespace glint {

// A file that appears whole or not at all: it is written beside its place under a temporary name (Note [temporary
// names]), synced to the disk and renamed by commit(). Dropped without commit(), it leaves nothing behind and what was
// there before stays.
class AtomicFile {
 public:
  // Makes the parent folders. Error where they cannot be made, or a folder stands in the file's place.
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Throws Error naming the file and the cause (disk full, read-only folder).
  void write(const void* data, std::size_t size);
  void commit();

 private:
  [[noreturn]] void fail(const char* doing) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

// Looks, before long work, whether its result can be written there in the end, and leaves nothing behind. Throws Error
// or NotNow as AtomicFile does.
void require_writable(const std::filesystem::path& path);

// The whole text as a file, atomically.
void write_file(const std::filesystem::path& path, const std::string& text);

// The whole file. Error where it cannot be read or is larger than `limit_bytes`.
std::string read_file(const std::filesystem::path& path, std::size_t limit_bytes = std::size_t{1} << 32);

// Whether a command may write its folder there: nothing is there yet, or an empty folder.
bool is_new_or_empty(const std::filesystem::path& folder);

// Throws Error where it may not, so that nothing which was there before is mixed with what is written.
void require_new_or_empty(const std::filesystem::path& folder);

// Renames folder `from` to `to` and syncs the parent, replacing nothing: `to` must not exist.
void publish_folder(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace glint
