#include "glint/io/tensorboard_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "support/environment.h"
#include "support/python.h"

namespace glint::test {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using testing::StartsWith;
using testing::ThrowsMessage;

std::uint64_t number(const std::string& bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i)
    value |= std::uint64_t{static_cast<unsigned char>(bytes.at(at + i))} << (8 * i);
  return value;
}

// CRC-32C bit by bit, for the checksums of records.
std::uint32_t masked_crc(const std::string& bytes) {
  std::uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) * 0x82F63B78U);
  }
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
}

// The records of a file, whose checksums hold.
std::vector<std::string> records(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  std::vector<std::string> all;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto size = number(bytes, at, 8);
    EXPECT_EQ(number(bytes, at + 8, 4), masked_crc(bytes.substr(at, 8)));
    all.push_back(bytes.substr(at + 12, size));
    EXPECT_EQ(number(bytes, at + 12 + size, 4), masked_crc(all.back()));
    at += size + 16;
  }
  return all;
}

TEST(EventLogTest, TheJudgesChecksumIsThePublishedOne) {
  // RFC 3720, B.4: 32 bytes of zero have the CRC-32C 0x8A9136AA; "123456789" has 0xE3069283.
  const auto masked = [](std::uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U; };
  EXPECT_EQ(masked_crc(std::string(32, '\0')), masked(0x8A9136AAU));
  EXPECT_EQ(masked_crc("123456789"), masked(0xE3069283U));
}

TEST(EventLogTest, AScalarIsTheseBytes) {
  const TemporaryFolder folder;
  EventLog log(folder / "new" / "events");
  log.scalar("loss", 0.5, 300, 2.0);
  const auto all = records(log.path());
  ASSERT_EQ(all.size(), 2u);
  EXPECT_THAT(all[0], HasSubstr("\x1a\x0d"
                                "brain.Event:2"));
  EXPECT_EQ(all[1],
            "\x09\0\0\0\0\0\0\0\x40"s        // wall_time 2.0
            "\x10\xac\x02"s                  // step 300
            "\x2a\x0d\x0a\x0b"s              // summary, value
            "\x0a\x04loss\x15\0\0\0\x3f"s);  // tag, simple_value 0.5
  EXPECT_THAT(log.path().filename().string(), HasSubstr("tfevents"));
}

TEST(EventLogTest, LargeStepsLongNamesAndNoNumbersKeepTheirRecordsWhole) {
  const TemporaryFolder folder;
  EventLog log(folder.path());
  log.scalar(std::string(300, 'n'), NAN, int64_t{1} << 40, 1.75e9);
  log.scalar("", INFINITY, -1, 0);
  EXPECT_EQ(records(log.path()).size(), 3u);
}

TEST(EventLogTest, EveryStartHasAFileOfItsOwn) {
  const TemporaryFolder folder;
  const EventLog first(folder.path()), second(folder.path(), 7), anew(folder.path());
  EXPECT_NE(first.path(), second.path());
  EXPECT_EQ(records(first.path()).size(), 1u);
  EXPECT_EQ(records(second.path()).at(1).substr(9), "\x10\x08\x3a\x02\x08\x01"s);  // step 8, session_log START
  EXPECT_EQ(records(anew.path()).at(1).substr(9), "\x10\x01\x3a\x02\x08\x01"s);
  write_file(folder / "file", "");
  EXPECT_THAT([&] { EventLog(folder / "file" / "events"); }, ThrowsMessage<Error>(HasSubstr("file/events")));
}

TEST(EventLogTest, FilesAreInTheOrderOfTheirStartsThoughTheClockWasSetBackOrHasNotMoved) {
  const TemporaryFolder folder;
  write_file(folder / "events.out.tfevents.4000000000.host.1.0", "");  // of 2096
  for (const char* other : {"99999999999.host.1.0", "x", ""})
    write_file(folder / ("events.out.tfevents."s + other), "");
  const EventLog first(folder.path(), 7), second(folder.path(), 8);
  EXPECT_THAT(first.path().filename().string(), StartsWith("events.out.tfevents.4000000001."));
  EXPECT_THAT(second.path().filename().string(), StartsWith("events.out.tfevents.4000000002."));
}

TEST(EventLogTest, TensorBoardShowsWhatWasWritten) {
  if (!has_test_python()) GTEST_SKIP() << kNoTestPython;
  const TemporaryFolder folder;
  {
    EventLog log(folder.path());
    for (int step = 1; step <= 5; ++step) log.scalar("train/loss", 1.0 / step, step, 1000.0 + step);
    log.scalar("val/R@1", 12.5, 5, 1005);
    std::filesystem::rename(log.path(), folder / "events.out.tfevents.4000000000.host.1.0");  // the clock is set back
  }
  EventLog resumed(folder.path(), 3);  // what step 4 and 5 were is not shown
  resumed.scalar("train/loss", 0.75, 4, 2000);
  const auto bytes = read_file(resumed.path());
  resumed.scalar("train/loss", 0.5, 5, 2001);
  write_file(resumed.path(), read_file(resumed.path()).substr(0, bytes.size() + 20));  // killed while writing
  EXPECT_TRUE(run_test_python(R"(
import os, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing import event_file_loader
seen = EventAccumulator(sys.argv[1])
seen.Reload()
assert set(seen.Tags()['scalars']) == {'train/loss', 'val/R@1'}, seen.Tags()
loss = [(e.step, round(e.value, 6), e.wall_time) for e in seen.Scalars('train/loss')]
assert loss == [(1, 1.0, 1001), (2, 0.5, 1002), (3, 0.333333, 1003), (4, 0.75, 2000)], loss
)",
                              {folder.path().string()}));
}

}  // namespace
}  // namespace glint::test
