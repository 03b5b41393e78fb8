#include "data/frame_cache_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "data/frame_cache_source.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/hash.h"
#include "glint/core/log.h"

namespace glint::cache {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kFullPackBytes = std::uint64_t{1} << 30;  // then the next one is begun
constexpr char kPackPrefix[] = "pack_";

// The number in "pack_0007.glint"; none of another name.
std::optional<std::uint64_t> pack_number(const fs::path& path) {
  const auto stem = path.stem().string();
  if (path.extension() != ".glint" || stem.rfind(kPackPrefix, 0) != 0) return std::nullopt;
  std::uint64_t number = 0;
  const char* begin = stem.data() + std::strlen(kPackPrefix);
  const char* end = stem.data() + stem.size();
  const auto [rest, problem] = std::from_chars(begin, end, number);
  if (problem != std::errc() || rest != end) return std::nullopt;
  return number;
}

std::uint64_t payload_end(const Record& record) {
  return aligned(record.payload_offset + record.payload_bytes);
}

}  // namespace

CacheWriter::CacheWriter(fs::path folder, std::uint64_t settings) : folder_(std::move(folder)), settings_(settings) {
  std::vector<Record> indexed;
  if (files::exists(index_path(folder_))) {
    try {
      indexed = read_index(folder_, settings_);
    } catch (const BadFile& error) {
      log_warning(error.what(), "; its clips are looked up in the packs");
    }
  }
  recover(indexed);
}

CacheWriter::~CacheWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

// Packs whose header is sound, and the number of the one to write to.
void CacheWriter::find_packs() {
  for (const auto& entry : files::list(folder_)) {
    const auto number = pack_number(entry.path);
    if (!number || pack_path(folder_, *number) != entry.path) continue;
    pack_ = std::max(pack_, *number + 1);
    const MappedFile file(entry.path);
    if (file.size() < sizeof(FileHeader)) {  // killed before its first record
      pack_ends_[*number] = 0;
      continue;
    }
    try {
      check_pack_header(entry.path, content_of(file), settings_, *number);
      pack_ends_[*number] = sizeof(FileHeader);
    } catch (const BadFile& error) {
      log_warning(error.what(), "; it is left alone, and its clips are made again");
    }
  }
}

void CacheWriter::recover(const std::vector<Record>& indexed) {
  find_packs();
  std::map<std::uint64_t, std::uint64_t> sizes;
  for (const auto& [number, end] : pack_ends_) sizes[number] = files::size(pack_path(folder_, number));
  for (const auto& record : indexed) {
    const auto pack = pack_ends_.find(record.pack);
    if (pack == pack_ends_.end() || record.payload_offset > sizes[record.pack] ||
        record.payload_bytes > sizes[record.pack] - record.payload_offset) {
      continue;  // lost with its pack
    }
    pack->second = std::max(pack->second, payload_end(record));
    records_[name_by_path(record)] = record;
  }
  for (auto& [number, end] : pack_ends_) {
    if (end == 0) continue;
    const MappedFile file(pack_path(folder_, number));
    // Behind a damaged record there may be sound ones, which running trainings read: they are looked for to the end.
    for (auto offset = end; offset + sizeof(RecordHeader) <= file.size();) {
      const auto record = record_at(content_of(file), number, offset);
      offset = record ? payload_end(*record) : offset + kAlignment;
      if (!record) continue;
      records_[name_by_path(*record)] = *record;
      end = offset;
    }
  }
  if (pack_ends_.empty()) return;
  const auto& [last, end] = *pack_ends_.rbegin();
  if (last + 1 == pack_ && end < kFullPackBytes) {
    pack_ = last;
    end_ = end;
  }
}

std::vector<Record> CacheWriter::records() const {
  const std::lock_guard lock(mutex_);
  std::vector<Record> records;
  for (const auto& [name, record] : records_) records.push_back(record);
  return records;
}

// The pack to write to, with its header.
void CacheWriter::open_pack() {
  if (descriptor_ >= 0 && end_ >= kFullPackBytes) {
    write_index_locked();
    ::close(std::exchange(descriptor_, -1));
    ++pack_;
    end_ = 0;
  }
  if (descriptor_ >= 0) return;
  const auto path = pack_path(folder_, pack_);
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0 || ::ftruncate(descriptor_, static_cast<off_t>(end_)) != 0) throw_errno(path.string(), errno);
  if (end_ > 0) return;
  const auto header = pack_header(settings_, pack_);
  write_at(0, header.data(), header.size());
  end_ = header.size();
}

void CacheWriter::write_at(std::uint64_t offset, const void* data, std::size_t size) {
  const char* next = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = ::pwrite(descriptor_, next, size, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      throw_errno(concat(pack_path(folder_, pack_).string(), ": the file cannot be written"),
                  written < 0 ? errno : ENOSPC);
    }
    next += written;
    offset += static_cast<std::uint64_t>(written);
    size -= static_cast<std::size_t>(written);
  }
}

void CacheWriter::add(Record record, const std::vector<std::uint8_t>& payload) {
  record.payload_bytes = payload.size();
  record.payload_hash = xxhash64(payload.data(), payload.size());
  const std::lock_guard lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
  try {
    open_pack();
    record.pack = pack_;
    record.payload_offset = aligned(end_ + sizeof(RecordHeader) + record.source.path.size());
    std::string header = record_bytes(record);
    header.resize(record.payload_offset - end_);
    write_at(end_, header.data(), header.size());
    write_at(record.payload_offset, payload.data(), payload.size());
  } catch (const std::exception&) {
    failure_ = std::current_exception();
    // What does not stand whole is no record: the next builder writes over it, if its space cannot be freed now.
    if (descriptor_ >= 0) static_cast<void>(!::ftruncate(descriptor_, static_cast<off_t>(end_)));
    throw;
  }
  end_ = payload_end(record);
  records_[name_by_path(record)] = std::move(record);
}

void CacheWriter::put(const Record& record) {
  const std::lock_guard lock(mutex_);
  records_[name_by_path(record)] = record;
}

void CacheWriter::remove(const Record& record) {
  const std::lock_guard lock(mutex_);
  records_.erase(name_by_path(record));
}

void CacheWriter::write_index() {
  const std::lock_guard lock(mutex_);
  write_index_locked();
}

// After the clips it names are on the disk.
void CacheWriter::write_index_locked() {
  if (descriptor_ >= 0 && ::fdatasync(descriptor_) != 0) throw_errno(pack_path(folder_, pack_).string(), errno);
  std::vector<Record> records;
  for (const auto& [name, record] : records_) records.push_back(record);
  std::sort(records.begin(), records.end(), [](const Record& a, const Record& b) {
    return std::tie(a.pack, a.payload_offset, a.source.path) < std::tie(b.pack, b.payload_offset, b.source.path);
  });
  write_file(index_path(folder_), index_bytes(settings_, records));
}

}  // namespace glint::cache
