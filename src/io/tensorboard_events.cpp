#include "glint/io/tensorboard_events.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <charconv>
#include <chrono>
#include <string_view>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/little_endian.h"
#include "glint/core/machine_name.h"

// Written by hand: four kinds of field in five messages, against a code generator, its library, and the other protobuf
// that LibTorch brings. The messages are tensorflow/core/util/event.proto and framework/summary.proto, the frame is
// TFRecord's.

namespace glint {
namespace {

namespace fs = std::filesystem;

// --- protobuf: a key (number of the field, kind of its bytes), then the bytes

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  return bytes + static_cast<char>(value);
}

template <typename Unsigned>
std::string fixed(Unsigned value) {
  return little_endian(value, sizeof value);
}

std::string key(std::uint64_t field, std::uint64_t kind) {
  return varint(field << 3 | kind);
}
std::string field(std::uint64_t number, int64_t value) {
  return key(number, 0) + varint(static_cast<std::uint64_t>(value));
}
std::string field(std::uint64_t number, double value) {
  return key(number, 1) + fixed(std::bit_cast<std::uint64_t>(value));
}
std::string field(std::uint64_t number, float value) {
  return key(number, 5) + fixed(std::bit_cast<std::uint32_t>(value));
}
std::string field(std::uint64_t number, const std::string& bytes) {
  return key(number, 2) + varint(bytes.size()) + bytes;
}

std::string event(double wall_time_s, int64_t step, const std::string& what) {
  return field(1, wall_time_s) + field(2, step) + what;
}

// --- TFRecord: length, its checksum, bytes, their checksum

constexpr auto kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    table[i] = i;
    for (int bit = 0; bit < 8; ++bit) table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0x82F63B78U : 0U);
  }
  return table;
}();

// CRC-32C, turned and shifted as TFRecord keeps it.
std::uint32_t masked_crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char byte : bytes) crc = kCrcTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFF] ^ crc >> 8;
  return std::rotr(~crc, 15) + 0xA282EAD8U;
}

std::string record(const std::string& bytes) {
  const auto length = fixed<std::uint64_t>(bytes.size());
  return length + fixed(masked_crc32c(length)) + bytes + fixed(masked_crc32c(bytes));
}

// --- file

double now_s() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// TensorBoard takes a file by "tfevents" in its name, and several in the order of their names.
constexpr std::string_view kNameStart = "events.out.tfevents.";

// The time in the name of the newest of the files; 0: there is none.
int64_t newest_in(const fs::path& folder) {
  constexpr std::size_t kDigits = 10;  // names are in the order of their times from 2001 to 2286
  int64_t newest = 0;
  for (const auto& entry : files::list(folder)) {
    const auto name = entry.path.filename().string();
    if (!name.starts_with(kNameStart)) continue;
    const auto* const begin = name.data() + kNameStart.size();
    int64_t time_s = 0;
    const auto end = std::from_chars(begin, name.data() + name.size(), time_s).ptr;
    if (end - begin == kDigits) newest = std::max(newest, time_s);
  }
  return newest;
}

// Behind those that are there, whatever the clock says: it may have been set back.
std::string file_name(double time_s, int64_t newest) {
  static std::atomic<int> starts = 0;
  const auto in_order = std::max(static_cast<int64_t>(time_s), newest + 1);
  return concat(kNameStart, in_order, ".", machine_name(), ".", getpid(), ".", starts++);
}

}  // namespace

EventLog::EventLog(const fs::path& folder, int64_t step) {
  files::make_folders(folder);
  const auto time_s = now_s();
  const auto newest = newest_in(folder);
  path_ = folder / file_name(time_s, newest);
  out_.open(path_, std::ios::binary | std::ios::app);
  if (!out_) throw_errno(path_.string(), errno);
  write(event(time_s, 0, field(3, std::string("brain.Event:2"))));
  constexpr int64_t kStart = 1;  // of SessionLog: what stands at this step and later is of a start before
  if (newest > 0) write(event(time_s, step + 1, field(7, field(1, kStart))));
}

void EventLog::scalar(const std::string& name, double value, int64_t step, double wall_time_s) {
  const auto point = field(1, name) + field(2, static_cast<float>(value));
  write(event(wall_time_s, step, field(5, field(1, point))));
}

void EventLog::write(const std::string& event) {
  const auto bytes = record(event);
  out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out_.flush();
  if (!out_) throw Error(path_.string(), ": cannot be written; is the disk full?");
}

}  // namespace glint
