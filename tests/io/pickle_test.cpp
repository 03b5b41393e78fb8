#include "glint/io/pickle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/gzip.h"
#include "support/environment.h"
#include "support/python.h"

namespace glint::test {
namespace {

using namespace std::string_literals;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::ThrowsMessage;

// The value as Python writes it.
std::string repr(const PickleValue& value);
std::string repr(const std::pair<PickleValue, PickleValue>& item) {
  return concat(repr(item.first), ": ", repr(item.second));
}
template <class Items>
std::string joined(const Items& items) {
  std::string text;
  for (const auto& item : items) text += concat(text.empty() ? "" : ", ", repr(item));
  return text;
}
struct Writer {
  std::string operator()(std::monostate) const { return "None"; }
  std::string operator()(bool value) const { return value ? "True" : "False"; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return concat(value); }
  std::string operator()(std::string_view text) const { return concat('\'', text, '\''); }
  std::string operator()(PickleBytes bytes) const { return concat("b'", bytes.bytes, '\''); }
  std::string operator()(const PickleList* list) const { return concat('[', joined(list->items), ']'); }
  std::string operator()(const PickleTuple* tuple) const { return concat('(', joined(tuple->items), ",)"); }
  std::string operator()(const PickleObject* object) const { return object->name; }
  std::string operator()(const PickleDict* dict) const { return concat('{', joined(dict->items), '}'); }
};
std::string repr(const PickleValue& value) {
  return std::visit(Writer{}, value);
}

std::string read(const std::string& bytes) {
  return repr(Pickle(bytes, "a.pkl").value());
}
void expect_pickle_refused(const std::string& bytes, const std::string& sentence) {
  EXPECT_THAT([&] { read(bytes); }, ThrowsMessage<Error>(AllOf(HasSubstr("a.pkl: "), HasSubstr(sentence))))
      << testing::PrintToString(bytes);
}

TEST(PickleTest, ReadsEveryPlainTypeOfEveryProtocol) {
  EXPECT_EQ(read("\x80\x03}q\x00(X\x01\x00\x00\x00vq\x01]q\x02(X\x02\x00\x00\x00\xC3\xA9q\x03h\x01"
                 "eX\x01\x00\x00\x00wK\x07u."s),
            "{'v': ['é', 'v'], 'w': 7}");
  EXPECT_EQ(read("\x80\x05\x95\x10\x00\x00\x00\x00\x00\x00\x00(\x8c\x01"
                 "a\x94\x88\x89NJ\xFF\xFF\xFF\xFFM\x01\x02t\x94."s),
            "('a', True, False, None, -1, 513,)");
  EXPECT_EQ(read("(lp0\nI01\naI-5\naL123L\naF1.5\naS'it\\'s\\n\\x41\\101'\np1\nag1\naV\\u00e9\xE9\np2\na."),
            "[True, -5, 123, 1.5, 'it's\nAA', 'it's\nAA', 'éé']");
  EXPECT_EQ(read("(dS'k'\n(I1\nI2\nts."), "{'k': (1, 2,)}");
  EXPECT_EQ(read("(S'k'\nI1\nd."), "{'k': 1}");
  EXPECT_EQ(read("K\x01\x85K\x02\x86."), "((1,), 2,)");
  EXPECT_EQ(read("K\x01K\x02K\x03\x87."), "(1, 2, 3,)");
}

TEST(PickleTest, ReadsTextBytesAndNumbersOfAllSizes) {
  EXPECT_EQ(read("(U\x01"
                 "aT\x02\x00\x00\x00"
                 "bcC\x01"
                 "dB\x01\x00\x00\x00"
                 "e\x8d\x01\x00\x00\x00\x00\x00\x00\x00"
                 "f\x8e\x01\x00\x00\x00\x00\x00\x00\x00gt."s),
            "('a', 'bc', b'd', b'e', 'f', b'g',)");
  EXPECT_EQ(
      read(
          "(\x8a\x00\x8a\x01\xFF\x8a\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F\x8b\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\xFFt."s),
      "(0, -1, 9223372036854775807, -9223372036854775808,)");
  EXPECT_EQ(read("(G?\xF8\x00\x00\x00\x00\x00\x00I-9223372036854775808\nF1e-3\nFinf\nt."s),
            "(1.5, -9223372036854775808, 0.001, inf,)");
  expect_pickle_refused("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01."s, "byte 0: a number has more than 64 bits");
  expect_pickle_refused("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00."s, "64 bits");
  expect_pickle_refused("L99999999999999999999L\n.", "64 bits");
  expect_pickle_refused("I0x10\n.", "what should be a number is none");
}

TEST(PickleTest, MarksAndMemoWorkAsInPython) {
  EXPECT_EQ(read("K\x01"
                 "20K\x02"
                 "0."),
            "1");  // DUP, POP
  EXPECT_EQ(read("K\x01(K\x02K\x03"
                 "1."),
            "1");                    // POP_MARK
  EXPECT_EQ(read("K\x01(0."), "1");  // POP of a mark
  EXPECT_EQ(read("]q\x00K\x01"s
                 "ah\x00\x86."s),
            "([1], [1],)");  // both are one list
  EXPECT_EQ(read("(]\x94K\x01\x94h\x00h\x01t."s), "([], 1, [], 1,)");
}

TEST(PickleTest, WhatImportsCallsOrBuildsIsRefusedByNameAndPlace) {
  expect_pickle_refused("cos\nsystem\n(S'true'\ntR.", "byte 0: opcode GLOBAL is refused: only plain data");
  expect_pickle_refused("\x80\x04\x8c\x02os\x8c\x06system\x93."s, "byte 14: opcode STACK_GLOBAL is refused");
  expect_pickle_refused("(S'true'\nios\nsystem\n.", "byte 9: opcode INST is refused");
  expect_pickle_refused("(K\x01o.", "byte 3: opcode OBJ is refused");
  expect_pickle_refused("N)R.", "byte 2: opcode REDUCE is refused");
  expect_pickle_refused("N}b.", "opcode BUILD is refused");
  expect_pickle_refused("N)\x81.", "opcode NEWOBJ is refused");
  expect_pickle_refused("N)}\x92.", "opcode NEWOBJ_EX is refused");
  expect_pickle_refused("P1\n.", "opcode PERSID is refused");
  expect_pickle_refused("NQ.", "opcode BINPERSID is refused");
  expect_pickle_refused("\x82\x01.", "opcode EXT1 is refused");
  expect_pickle_refused("\x83\x01\x01.", "opcode EXT2 is refused");
  expect_pickle_refused("\x84\x01\x01\x01\x01.", "opcode EXT4 is refused");
  expect_pickle_refused("\x8f.", "opcode EMPTY_SET is refused");
  expect_pickle_refused("(\x91.", "opcode FROZENSET is refused");
  expect_pickle_refused("\x96\x01\x00\x00\x00\x00\x00\x00\x00g."s, "opcode BYTEARRAY8 is refused");
  expect_pickle_refused("\x97.", "opcode NEXT_BUFFER is refused");
  expect_pickle_refused("\x98.", "opcode READONLY_BUFFER is refused");
}

TEST(PickleTest, WhatIsNoPickleOrIsDamagedIsOneSentence) {
  expect_pickle_refused("", "byte 0: the pickle is cut short");
  expect_pickle_refused("{\"a\": 1}", "byte 0: is no pickle: there is no opcode 123");
  expect_pickle_refused("\x80\x06.", "is of protocol 6, newer than 5");
  expect_pickle_refused("]", "byte 1: the pickle is cut short");
  expect_pickle_refused(
      "X\xFF\xFF\xFF\xFF"
      "abc.",
      "cut short");
  expect_pickle_refused(
      "\x8d\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
      "abc.",
      "cut short");
  expect_pickle_refused("\x95\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF.", "cut short");
  expect_pickle_refused("S'abc", "cut short");
  expect_pickle_refused(".", "the pickle ends with values left over");
  expect_pickle_refused("K\x01K\x02.", "values left over");
  expect_pickle_refused("K\x01(.", "values left over");
  expect_pickle_refused("N.N.", "bytes follow the end");
  expect_pickle_refused("0.", "wants a value, and there is none");
  expect_pickle_refused("N(\x86.", "wants a value, and there is none");
  expect_pickle_refused("Nt.", "wants a mark, and there is none");
  expect_pickle_refused("NNa.", "wants a list, and there is one of type None");
  expect_pickle_refused("](K\x01u.", "wants a dict, and there is one of type list");
  expect_pickle_refused("}(K\x01u.", "a key has no value");
  expect_pickle_refused("}]Ns.", "a list cannot be a key");
  expect_pickle_refused("h\x05.", "memo 5 was never filled");
  expect_pickle_refused("Nr\xFF\xFF\xFF\xFF.", "memo 4294967295 is more than the file so far can have filled");
  expect_pickle_refused("Np-1\n.", "what should be a number is none");
  expect_pickle_refused("X\x01\x00\x00\x00\xFF."s, "a text is not UTF-8");
  expect_pickle_refused("V\\ud800\n.", "a text is not UTF-8");
  expect_pickle_refused("V\\u12\n.", "escape");
  expect_pickle_refused("Sabc\n.", "lacks its quotes");
  expect_pickle_refused("S'\\q'\n.", "escape");
}

TEST(PickleTest, BombsOfNestingAndSharingAreRefused) {
  expect_pickle_refused(std::string(100'000, ']') + std::string(99'999, 'a') + ".", "nest more than 64 deep");
  expect_pickle_refused(
      "]q\x01h\x01"
      "a.",
      "or one contains itself");
  expect_pickle_refused("}q\x01K\x01h\x01s.", "or one contains itself");
  std::string doubled = "]";  // a list of two of the list before it, 40 times
  for (int i = 0; i < 40; ++i) doubled += "2\x86";
  expect_pickle_refused(doubled + ".", "share parts so often");
  // A chain built from the outside in, so that no list is deep when it is put into another.
  std::string chain = "]p0\n0";
  for (int i = 0; i < 1000; ++i) chain += concat("g", i, "\n]p", i + 1, "\na0");
  expect_pickle_refused(chain + "g0\n.", "nest more than 64 deep");
}

TEST(PickleTest, WhatPythonWritesIsReadInEveryProtocol) {
  if (!python_reads_safetensors()) GTEST_SKIP() << kNoPython;
  const TemporaryFolder folder;
  ASSERT_TRUE(
      run_python("import pickle, sys\n"
                 "data = {'k': [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {}, [], None, True, False, -7, 300, 70000, "
                 "2**40, -2**62, 1.5],"
                 " 'text': ['', 'a', chr(233), 'x' * 300, chr(128512)]}\n"
                 "for p in range(6):\n"
                 "  open(sys.argv[1] + '/' + str(p), 'wb').write(pickle.dumps(data, protocol=p))\n"
                 "  open(sys.argv[1] + '/' + str(p) + 'b', 'wb').write(pickle.dumps(b'abc', protocol=p))\n",
                 folder.path().string()));
  const auto want =
      concat("{'k': [(,), (1,), (1, 2,), (1, 2, 3,), (1, 2, 3, 4,), {}, [], None, True, False, -7, 300, 70000, ",
             "1099511627776, -4611686018427387904, 1.5], 'text': ['', 'a', 'é', '", std::string(300, 'x'), "', '😀']}");
  for (int protocol = 0; protocol < 6; ++protocol) {
    EXPECT_EQ(read(read_file(folder / std::to_string(protocol))), want);
    const auto bytes = read_file(folder / (std::to_string(protocol) + "b"));
    if (protocol >= 3) {
      EXPECT_EQ(read(bytes), "b'abc'");
    } else {
      expect_pickle_refused(bytes,
                            "opcode GLOBAL is refused");  // Python calls a function to make bytes of the old protocols
    }
  }
}

TEST(PickleFilesTest, TheRealOnesHoldTheirCaptions) {
  const auto shared = shared_dir();
  if (!shared) GTEST_SKIP() << kNoSharedDir;
  const auto path = *shared / "data/annotations/msrvtt/jsfusion_val_caption_idx.pkl";
  const Pickle indices(read_file(path), path.string());
  const auto& items = std::get<const PickleDict*>(indices.value())->items;
  ASSERT_EQ(items.size(), 1000u);
  EXPECT_EQ(repr(items[0]), "'video9770': 11");
}

}  // namespace
}  // namespace glint::test
