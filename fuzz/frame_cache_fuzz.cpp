#include <cstring>

#include "data/frame_cache_codec.h"
#include "data/frame_cache_format.h"
#include "glint/core/error.h"
#include "glint/core/hash.h"

// The first byte says what the rest is, an index (even) or a pack (odd), and by its second bit whether the checksums
// are made right first: else hardly any mutation would get past them.

namespace {

using namespace glint;
using namespace glint::cache;
using Buffer = std::vector<std::uint8_t>;

template <class Struct>
Struct get(const Buffer& bytes, std::size_t offset) {
  Struct value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

template <class Struct>
void put(Buffer& bytes, std::size_t offset, const Struct& value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

bool fits(const Buffer& bytes, std::uint64_t offset, std::uint64_t size) {
  return offset <= bytes.size() && size <= bytes.size() - offset;
}

// -> the size of the record at `offset` with its path, its checksum made right; 0 where it does not fit.
std::size_t seal_record(Buffer& bytes, std::size_t offset) {
  if (!fits(bytes, offset, sizeof(RecordHeader))) return 0;
  auto header = get<RecordHeader>(bytes, offset);
  const std::size_t size = sizeof header + header.path_bytes;
  if (!fits(bytes, offset, size)) return 0;
  if (fits(bytes, header.payload_offset, header.payload_bytes))
    header.payload_hash = xxhash64(bytes.data() + header.payload_offset, header.payload_bytes);
  std::string text(reinterpret_cast<const char*>(&header), offsetof(RecordHeader, hash));
  text.append(reinterpret_cast<const char*>(bytes.data()) + offset + sizeof header, header.path_bytes);
  header.hash = xxhash64(text.data(), text.size());
  put(bytes, offset, header);
  return size;
}

void seal(Buffer& bytes, bool is_index) {
  if (bytes.size() < sizeof(FileHeader)) return;
  std::uint64_t records = 0;
  std::size_t offset = sizeof(FileHeader);
  while (const auto size = seal_record(bytes, offset)) {
    offset += size;
    ++records;
    if (!is_index) break;
  }
  auto header = get<FileHeader>(bytes, 0);
  if (is_index) {
    header.number = records;
    header.body_bytes = bytes.size() - sizeof header;
    header.body_hash = xxhash64(bytes.data() + sizeof header, header.body_bytes);
  }
  header.hash = xxhash64(&header, offsetof(FileHeader, hash));
  put(bytes, 0, header);
}

void read_pack(const Buffer& bytes) {
  const auto number = get<FileHeader>(bytes, 0).number;
  check_pack_header("pack", bytes, get<FileHeader>(bytes, 0).settings, number);
  const auto record = record_at(bytes, number, sizeof(FileHeader));
  if (!record) return;
  const auto payload = Bytes(bytes).subspan(record->payload_offset, record->payload_bytes);
  const auto pictures = parse_pictures("pack", *record, payload);
  std::size_t begin = aligned(pictures.size() * sizeof(PictureHeader));
  Image image;
  for (const auto& picture : pictures) {
    for (const auto codec : {Codec::kRaw, Codec::kYuv420, Codec::kJpeg}) {
      const int width = static_cast<int>(picture.width), height = static_cast<int>(picture.height);
      if (!decode_picture(codec, payload.subspan(begin, picture.bytes), width, height, image)) continue;
      GLINT_CHECK(image.width == width && image.rgb.size() == std::size_t{3} * picture.width * picture.height, width);
    }
    begin += picture.bytes;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 + sizeof(FileHeader)) return 0;
  const bool is_index = (data[0] & 1) == 0;
  Buffer bytes(data + 1, data + size);
  if ((data[0] & 2) != 0) seal(bytes, is_index);
  try {
    if (is_index) {
      parse_index("index", bytes, get<FileHeader>(bytes, 0).settings);
    } else {
      read_pack(bytes);
    }
  } catch (const Error&) {  // refused, as it should be
  }
  return 0;
}
