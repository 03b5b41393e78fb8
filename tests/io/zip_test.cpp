#include "glint/io/zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/little_endian.h"
#include "io/zip_writer.h"
#include "support/environment.h"
#include "support/python.h"

namespace glint::test {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::size_t kLimit = 1 << 20;

// "hello" deflated by Python's zlib, and its checksum.
const std::string kHelloDeflated = "\xCB\x48\xCD\xC9\xC9\x07\x00"s;
constexpr std::uint32_t kHelloCrc = 0x3610A686;

struct Recipe {
  std::uint64_t flags = 0, method = 8, crc = kHelloCrc, size = 5;
  std::string data = kHelloDeflated;
  bool is_zip64 = false;  // the table holds its numbers in extra fields
};

// An archive with one member, d/hello.txt, and a comment behind its table.
std::string archive(const Recipe& recipe) {
  const std::string name = "d/hello.txt";
  const auto shared = [&](std::uint64_t packed_size, std::uint64_t size, std::uint64_t extra_size) {
    return concat(little_endian(20, 2), little_endian(recipe.flags, 2), little_endian(recipe.method, 2),
                  little_endian(0, 4), little_endian(recipe.crc, 4), little_endian(packed_size, 4),
                  little_endian(size, 4), little_endian(name.size(), 2), little_endian(extra_size, 2));
  };
  constexpr std::uint64_t kIn64 = 0xFFFFFFFF;
  const std::string member = concat("PK\x03\x04", shared(recipe.data.size(), recipe.size, 0), name, recipe.data);
  const std::string extra = concat(little_endian(1, 2), little_endian(24, 2), little_endian(recipe.size, 8),
                                   little_endian(recipe.data.size(), 8), little_endian(0, 8));
  const std::string table = recipe.is_zip64
                                ? concat("PK\x01\x02", little_endian(45, 2), shared(kIn64, kIn64, extra.size()),
                                         std::string(10, '\0'), little_endian(kIn64, 4), name, extra)
                                : concat("PK\x01\x02", little_endian(20, 2), shared(recipe.data.size(), recipe.size, 0),
                                         std::string(10, '\0'), little_endian(0, 4), name);
  const std::string end64 =
      concat("PK\x06\x06", little_endian(44, 8), little_endian(45, 2), little_endian(45, 2), little_endian(0, 8),
             little_endian(1, 8), little_endian(1, 8), little_endian(table.size(), 8), little_endian(member.size(), 8),
             "PK\x06\x07", little_endian(0, 4), little_endian(member.size() + table.size(), 8), little_endian(1, 4));
  return concat(member, table, recipe.is_zip64 ? end64 : "", "PK\x05\x06", std::string(4, '\0'), little_endian(1, 2),
                little_endian(1, 2), little_endian(table.size(), 4),
                little_endian(recipe.is_zip64 ? kIn64 : member.size(), 4), little_endian(3, 2), "bye");
}

class ZipArchiveTest : public testing::Test {
 protected:
  std::string read(const std::string& bytes) {
    const auto path = folder_ / "a.zip";
    write_file(path, bytes);
    const ZipArchive zip(path);
    return zip.members().empty() ? "" : concat(zip.members()[0].name, ": ", zip.read(zip.members()[0], kLimit));
  }
  void expect_refused(const std::string& bytes, const std::string& sentence) {
    EXPECT_THAT([&] { read(bytes); }, ThrowsMessage<Error>(HasSubstr("a.zip: " + sentence)));
  }
  TemporaryFolder folder_;
};

TEST_F(ZipArchiveTest, ReadsStoredAndDeflatedMembers) {
  EXPECT_EQ(read(archive({})), "d/hello.txt: hello");
  EXPECT_EQ(read(archive({.method = 0, .data = "hello"})), "d/hello.txt: hello");
  EXPECT_EQ(read(archive({.is_zip64 = true})), "d/hello.txt: hello");
  EXPECT_EQ(read(archive({.crc = 0})), "d/hello.txt: hello");        // its writer kept no checksum
  EXPECT_EQ(read(concat("PK\x05\x06", std::string(18, '\0'))), "");  // an empty archive
}

TEST_F(ZipArchiveTest, WhatIsDamagedIsOneSentence) {
  const auto whole = archive({});
  expect_refused("", "is empty");
  expect_refused("%PDF-1.7", "is a PDF document");
  expect_refused(whole.substr(0, whole.size() - 20), "is cut short: it begins as a zip archive");
  expect_refused(whole.substr(40), "is cut short or damaged");
  expect_refused(concat("xxxx", whole.substr(4)), "is damaged: d/hello.txt is not where the table says");
  expect_refused(archive({.crc = 1}), "d/hello.txt is damaged");
  expect_refused(archive({.size = 4}), "d/hello.txt is damaged");
  expect_refused(archive({.size = 6}), "d/hello.txt is damaged");
  expect_refused(archive({.size = 100'000}), "d/hello.txt is damaged: its sizes do not fit");
  expect_refused(archive({.size = 2 << 20}), "d/hello.txt unpacks to more than 1048576 bytes");
  expect_refused(archive({.method = 14}), "d/hello.txt is packed in a way that is not known");
  expect_refused(archive({.flags = 1}), "d/hello.txt is encrypted");
  expect_refused(archive({.data = "nonsense"}), "d/hello.txt is damaged");
  auto table = whole;
  table[table.find("PK\x01\x02")] = 'Q';
  expect_refused(table, "has a damaged table of contents");
  EXPECT_THAT([&] { ZipArchive(folder_ / "none.zip"); }, ThrowsMessage<Error>(HasSubstr("none.zip: No such file")));
}

TEST_F(ZipArchiveTest, DamagedNumbersOfLargeArchivesAreOneSentence) {
  const auto whole = archive({.is_zip64 = true});
  const auto with = [&](const std::string& mark, std::size_t at, const std::string& bytes) {
    auto changed = whole;
    return changed.replace(changed.find(mark) + at, bytes.size(), bytes);
  };
  const std::string huge(8, '\xFE');
  expect_refused(with("PK\x06\x07", 8, huge), "is cut short or damaged");  // the record's place
  expect_refused(with("PK\x06\x07", 8, little_endian(1, 8)), "is damaged: its zip64 record is not where");
  expect_refused(with("PK\x06\x06", 40, huge), "has a table of contents that is too large");
  expect_refused(with("PK\x06\x06", 48, huge), "is cut short or damaged");          // the table's place
  expect_refused(with("PK\x06\x06", 32, huge), "has a damaged table of contents");  // its count
  const auto extra = little_endian(1, 2) + little_endian(24, 2);
  expect_refused(with(extra, 4, huge), "d/hello.txt unpacks to more than");
  expect_refused(with(extra, 12, huge), "d/hello.txt is damaged: its sizes do not fit");
  expect_refused(with(extra, 20, huge), "is cut short or damaged");
  expect_refused(with(extra, 2, little_endian(16, 2)), "has a damaged table of contents");
}

TEST_F(ZipArchiveTest, MembersThatOverlapAreRefused) {
  ZipWriter zip(folder_ / "two.zip");
  zip.add("a", "aaaa");
  zip.add("b", "bbbb");
  zip.finish();
  auto bytes = read_file(folder_ / "two.zip");
  EXPECT_EQ(ZipArchive(folder_ / "two.zip").members().size(), 2u);
  const auto table = bytes.find("PK\x01\x02");
  const auto second = bytes.find("PK\x01\x02", table + 1);
  bytes.replace(second + 42, 4, bytes.substr(table + 42, 4));  // both begin where the first does
  expect_refused(bytes, "is damaged: ");
  expect_refused(bytes, "is damaged: a and b overlap");
}

TEST_F(ZipArchiveTest, WhatWeWriteIsAlignedAndReadInPlace) {
  ZipWriter zip(folder_ / "a.zip");
  for (const auto* name : {"a", "some/longer/name", "b"}) zip.add(name, concat("content of ", name));
  zip.add("empty", "");
  zip.finish();
  const ZipArchive read(folder_ / "a.zip");
  ASSERT_EQ(read.members().size(), 4u);
  for (const auto& member : read.members()) {
    EXPECT_EQ(read.stored_at(member) % 64, 0u) << member.name;
    EXPECT_EQ(read.file()->bytes(read.stored_at(member), member.size), read.read(member, kLimit));
  }
  EXPECT_EQ(read.read(read.members()[1], kLimit), "content of some/longer/name");
  write_file(folder_ / "packed.zip", archive({}));
  const ZipArchive packed(folder_ / "packed.zip");
  EXPECT_THAT([&] { packed.stored_at(packed.members()[0]); },
              ThrowsMessage<Error>(HasSubstr("d/hello.txt is packed, and it must be stored as it is")));
}

TEST_F(ZipArchiveTest, WhatPythonPacksIsRead) {
  if (!python_reads_safetensors()) GTEST_SKIP() << kNoPython;
  ASSERT_TRUE(
      run_python("import zipfile, sys\n"
                 "with zipfile.ZipFile(sys.argv[1], 'w') as z:\n"
                 "  z.writestr('a/b.txt', 'x' * 100000, zipfile.ZIP_DEFLATED)\n"
                 "  z.writestr('c.txt', 'stored')\n",
                 folder_ / "p.zip"));
  const ZipArchive zip(folder_ / "p.zip");
  ASSERT_EQ(zip.members().size(), 2u);
  EXPECT_EQ(zip.read(zip.members()[0], kLimit), std::string(100'000, 'x'));
  EXPECT_EQ(zip.read(zip.members()[1], kLimit), "stored");
}

}  // namespace
}  // namespace glint::test
