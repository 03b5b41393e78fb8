#include "io/zip_writer.h"

#include <zlib.h>

#include <algorithm>

#include "glint/core/error.h"
#include "glint/core/little_endian.h"
#include "io/zip_format.h"

// The parts of the format as PKWARE's APPNOTE gives them.

namespace glint {
namespace {

constexpr std::uint64_t kAlignment = 64;       // bytes
constexpr std::uint64_t kNoDate = 0x00210000;  // 1980-01-01: equal content gives equal files
constexpr std::uint64_t kVersion = 45;         // of the format that knows zip64

struct Number {
  std::uint64_t value;
  std::size_t bytes;
};
std::string packed(std::initializer_list<Number> numbers) {
  std::string text;
  for (const auto& number : numbers) text += little_endian(number.value, number.bytes);
  return text;
}

// zip64's extra field with those of the numbers that have no room elsewhere; empty where all have.
std::string extra64(std::initializer_list<std::uint64_t> values) {
  std::string large;
  for (const auto value : values) {
    if (value >= kZipIn64) large += packed({{value, 8}});
  }
  return large.empty() ? large : packed({{1, 2}, {large.size(), 2}}) + large;
}

// An extra field that takes `gap` bytes, or 64 more where there is no room for its own header.
std::string padding(std::uint64_t gap) {
  if (gap == 0) return {};
  if (gap < 4) gap += kAlignment;
  return "FB" + packed({{gap - 4, 2}}) + std::string(gap - 4, 'Z');
}

}  // namespace

void ZipWriter::add(const std::string& name, const void* bytes, std::uint64_t size) {
  const auto crc = crc32_z(0, static_cast<const Bytef*>(bytes), size);
  const auto short_size = std::min(size, kZipIn64);
  const auto shared = packed(
      {{kVersion, 2}, {0, 2}, {0, 2}, {kNoDate, 4}, {crc, 4}, {short_size, 4}, {short_size, 4}, {name.size(), 2}});
  std::string extra = extra64({size, size});
  const auto begin = at_ + kZipHeaderBytes + name.size() + extra.size();
  extra += padding((kAlignment - begin % kAlignment) % kAlignment);
  const auto table_extra = extra64({size, size, at_});
  table_ += concat("PK\x01\x02", packed({{kVersion, 2}}), shared,
                   packed({{table_extra.size(), 2}, {0, 8}, {0, 2}, {std::min(at_, kZipIn64), 4}}), name, table_extra);
  ++count_;
  write(concat("PK\x03\x04", shared, packed({{extra.size(), 2}}), name, extra));
  if (size > 0) file_.write(bytes, size);
  at_ += size;
}

void ZipWriter::finish() {
  const auto table_at = at_;
  write(table_);
  if (count_ >= 0xFFFF || table_at >= kZipIn64 || table_.size() >= kZipIn64) {
    const auto record_at = at_;
    write("PK\x06\x06" + packed({{44, 8},
                                 {kVersion, 2},
                                 {kVersion, 2},
                                 {0, 4},
                                 {0, 4},
                                 {count_, 8},
                                 {count_, 8},
                                 {table_.size(), 8},
                                 {table_at, 8}}));
    write("PK\x06\x07" + packed({{0, 4}, {record_at, 8}, {1, 4}}));
  }
  const auto count = std::min<std::uint64_t>(count_, 0xFFFF);
  write("PK\x05\x06" + packed({{0, 4},
                               {count, 2},
                               {count, 2},
                               {std::min<std::uint64_t>(table_.size(), kZipIn64), 4},
                               {std::min(table_at, kZipIn64), 4},
                               {0, 2}}));
  file_.commit();
}

void ZipWriter::write(std::string_view bytes) {
  file_.write(bytes.data(), bytes.size());
  at_ += bytes.size();
}

}  // namespace glint
