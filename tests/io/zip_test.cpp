#include "glint/io/zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "support/environment.h"
#include "support/python.h"

namespace glint::test {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::size_t kLimit = 1 << 20;

std::string little_endian(std::uint64_t value, std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(value >> 8 * i & 0xFF);
  return bytes;
}

// "hello" deflated by Python's zlib, and its checksum.
const std::string kHelloDeflated = "\xCB\x48\xCD\xC9\xC9\x07\x00"s;
constexpr std::uint32_t kHelloCrc = 0x3610A686;

struct Recipe {
  std::uint64_t flags = 0, method = 8, crc = kHelloCrc, size = 5;
  std::string data = kHelloDeflated;
};

// An archive with one member, d/hello.txt, and a comment behind its table.
std::string archive(const Recipe& recipe) {
  const std::string name = "d/hello.txt";
  const std::string shared =
      concat(little_endian(20, 2), little_endian(recipe.flags, 2), little_endian(recipe.method, 2), little_endian(0, 4),
             little_endian(recipe.crc, 4), little_endian(recipe.data.size(), 4), little_endian(recipe.size, 4),
             little_endian(name.size(), 2), little_endian(0, 2));
  const std::string member = concat("PK\x03\x04", shared, name, recipe.data);
  const std::string table =
      concat("PK\x01\x02", little_endian(20, 2), shared, std::string(10, '\0'), little_endian(0, 4), name);
  return concat(member, table, "PK\x05\x06", std::string(4, '\0'), little_endian(1, 2), little_endian(1, 2),
                little_endian(table.size(), 4), little_endian(member.size(), 4), little_endian(3, 2), "bye");
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
  EXPECT_EQ(read(concat("PK\x05\x06", std::string(18, '\0'))), "");  // an empty archive
}

TEST_F(ZipArchiveTest, WhatIsDamagedIsOneSentence) {
  const auto whole = archive({});
  expect_refused("", "is no zip archive, or is cut short");
  expect_refused(whole.substr(0, whole.size() - 20), "is no zip archive, or is cut short");
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
