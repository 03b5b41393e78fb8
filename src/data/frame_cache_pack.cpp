#include "data/frame_cache_pack.h"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "glint/core/error.h"
#include "glint/core/hash.h"

namespace glint::cache {

namespace fs = std::filesystem;

namespace {

Bytes bytes_of_text(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

fs::path index_path(const fs::path& folder) {
  return folder / "index.glint";
}

fs::path pack_path(const fs::path& folder, std::uint64_t number) {
  std::ostringstream name;
  name << "pack_" << std::setw(4) << std::setfill('0') << number << ".glint";
  return folder / name.str();
}

std::vector<Record> read_index(const fs::path& folder, std::uint64_t settings) {
  const MappedFile file(index_path(folder));
  const auto text = file.bytes(0, file.size());
  return parse_index(file.path(), bytes_of_text(text), settings);
}

PackFile::PackFile(const fs::path& folder, std::uint64_t number, std::uint64_t settings)
    : file_(pack_path(folder, number)) {
  const auto start = file_.bytes(0, std::min<std::uint64_t>(sizeof(FileHeader), file_.size()));
  check_pack_header(file_.path(), bytes_of_text(start), settings, number);
}

bool PackFile::reaches(const Record& record) const {
  return record.payload_offset <= size() && record.payload_bytes <= size() - record.payload_offset;
}

bool PackFile::read(const Record& record, std::vector<std::uint8_t>& bytes) const {
  if (!reaches(record)) return false;
  bytes.resize(record.payload_bytes);
  try {
    file_.read(record.payload_offset, bytes.data(), bytes.size());
  } catch (const Error&) {  // it ends before the record does, since someone cut it
    return false;
  }
  return xxhash64(bytes.data(), bytes.size()) == record.payload_hash;
}

}  // namespace glint::cache
