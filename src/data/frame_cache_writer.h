#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "data/frame_cache_format.h"
#include "data/frame_cache_pack.h"

namespace glint::cache {

// Adds clips to the packs of a folder. What a builder that was killed had finished stands in the packs and is found
// again, also behind a record that is damaged; one cut short at a pack's end is written over. Packs that are damaged
// are left alone, their lost clips are unknown here. Its functions may be called by any thread.
class CacheWriter {
 public:
  // The caller holds the folder's lock.
  CacheWriter(std::filesystem::path folder, std::uint64_t settings);
  ~CacheWriter();
  CacheWriter(const CacheWriter&) = delete;
  CacheWriter& operator=(const CacheWriter&) = delete;

  std::vector<Record> records() const;

  // Writes a clip's payload (its place and checksum are filled in here). After an exception, of a full disk say,
  // nothing more is written and it is thrown again; what was finished stays.
  void add(Record record, const std::vector<std::uint8_t>& payload);
  // A clip of known pictures, under another path or with another time: replaces the one of its path.
  void put(const Record& record);
  void remove(const Record& record);

  void write_index();

 private:
  void find_packs();
  void recover(const std::vector<Record>& indexed);
  void open_pack();
  void write_at(std::uint64_t offset, const void* data, std::size_t size);
  void write_index_locked();

  std::filesystem::path folder_;
  std::uint64_t settings_;

  mutable std::mutex mutex_;                          // of what follows
  std::unordered_map<std::string, Record> records_;   // by path and window
  std::map<std::uint64_t, std::uint64_t> pack_ends_;  // of sound packs: number -> where the last whole record ends
  std::uint64_t pack_ = 0;                            // the one being written
  std::uint64_t end_ = 0;                             // of its last whole record; 0: it has no header yet
  int descriptor_ = -1;                               // of it; -1: not open yet
  std::exception_ptr failure_;                        // why nothing more is written
};

}  // namespace glint::cache
