#include "data/frame_cache_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "glint/core/error.h"
#include "glint/core/hash.h"
#include "glint/core/random.h"

namespace glint::test {
namespace {

using namespace cache;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::uint64_t kSettings = 77;

Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Record random_record(Random& random) {
  Record record;
  record.source = {std::string(random.below(200), 'p'), random.next(), random.next(),
                   static_cast<std::int64_t>(random.next())};
  if (random.chance(0.5)) record.start_s = random.uniform(-10, 1e9);
  if (random.chance(0.5)) record.end_s = random.uniform(-10, 1e9);
  record.pictures = static_cast<std::uint32_t>(random.next());
  record.pack = random.next();
  record.payload_offset = random.next();
  record.payload_bytes = random.next();
  record.payload_hash = random.next();
  return record;
}

TEST(FrameCacheFormatTest, AnyRecordsComeBackFromTheIndex) {
  Random random({1});
  for (int i = 0; i < 50; ++i) {
    std::vector<Record> records;
    for (std::uint64_t k = random.below(6); k > 0; --k) records.push_back(random_record(random));
    EXPECT_EQ(parse_index("index", bytes_of(index_bytes(kSettings, records)), kSettings), records);
  }
}

TEST(FrameCacheFormatTest, AnIndexThatWasChangedAnywhereIsRefusedByName) {
  Random random({2});
  const auto index = index_bytes(kSettings, {random_record(random), random_record(random)});
  const auto refused = [&](const std::string& bytes) {
    EXPECT_THAT([&] { parse_index("some/index", bytes_of(bytes), kSettings); },
                ThrowsMessage<Error>(HasSubstr("some/index: ")));
  };
  for (std::size_t i = 0; i < index.size(); ++i) {
    auto changed = index;
    changed[i] = static_cast<char>(changed[i] ^ (1 << random.below(8)));
    refused(changed);
    refused(index.substr(0, i));
  }
  refused(index + "x");
}

TEST(FrameCacheFormatTest, WhatIsWrongWithAHeaderIsSaid) {
  const auto pack = pack_header(kSettings, 3);
  EXPECT_NO_THROW(check_pack_header("p", bytes_of(pack), kSettings, 3));
  const auto refused = [&](std::string bytes, std::uint64_t settings, std::uint64_t number, const std::string& reason) {
    EXPECT_THAT([&] { check_pack_header("p", bytes_of(bytes), settings, number); },
                ThrowsMessage<Error>(HasSubstr(reason)));
  };
  refused(pack, kSettings + 1, 3, "belongs to a cache made with other settings");
  refused(pack, kSettings, 4, "is pack 3 by its header, not 4");
  refused(pack.substr(0, 63), kSettings, 3, "is cut short: it has 63 bytes");
  refused(index_bytes(kSettings, {}), kSettings, 3, "is not a file of a frame cache");
  auto other = pack;
  other[8] = 2;
  refused(other, kSettings, 3, "has format 2 of the frame cache, this glint reads format 1");
  other = pack;
  std::swap(other[12], other[15]);
  std::swap(other[13], other[14]);
  refused(other, kSettings, 3, "another byte order");
}

TEST(FrameCacheFormatTest, ARecordInAPackIsFoundWholeOrNotAtAll) {
  Record record;
  record.source.path = "a.mp4";
  record.pictures = 1;
  record.pack = 5;
  const std::string payload = "some pictures";
  record.payload_offset = aligned(64 + sizeof(RecordHeader) + record.source.path.size());
  record.payload_bytes = payload.size();
  record.payload_hash = xxhash64(payload.data(), payload.size());
  std::string pack = pack_header(kSettings, 5) + record_bytes(record);
  pack.resize(record.payload_offset);
  pack += payload;
  EXPECT_EQ(record_at(bytes_of(pack), 5, 64), record);
  EXPECT_FALSE(record_at(bytes_of(pack), 4, 64));
  EXPECT_FALSE(record_at(bytes_of(pack), 5, 0));
  EXPECT_FALSE(record_at(bytes_of(pack), 5, pack.size()));
  EXPECT_FALSE(record_at(bytes_of(pack), 5, pack.size() + 1000));
  for (std::size_t size = 0; size < pack.size(); ++size) EXPECT_FALSE(record_at(bytes_of(pack).first(size), 5, 64));
}

TEST(FrameCacheFormatTest, PicturesMustFillTheirBytes) {
  Record record;
  record.pictures = 1;
  const PictureHeader header{2, 1, 6};
  std::string payload(reinterpret_cast<const char*>(&header), sizeof header);
  payload.resize(64);
  payload += "123456";
  EXPECT_EQ(parse_pictures("p", record, bytes_of(payload)).at(0).bytes, 6u);
  EXPECT_THROW(parse_pictures("p", record, bytes_of(payload + "7")), Error);
  EXPECT_THROW(parse_pictures("p", record, bytes_of(payload.substr(0, 69))), Error);
  EXPECT_THROW(parse_pictures("p", record, bytes_of(payload.substr(0, 10))), Error);
  record.pictures = 4'000'000'000;
  EXPECT_THROW(parse_pictures("p", record, bytes_of(payload)), Error);
}

}  // namespace
}  // namespace glint::test
