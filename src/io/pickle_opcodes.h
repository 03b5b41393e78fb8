#pragma once

#include <algorithm>
#include <array>
#include <string_view>

// The opcodes of Python's pickle machine, protocols 0 to 5, by the names its documentation (pickletools) gives them.

namespace glint::pickle {

enum Opcode : unsigned char {
  kMark = '(',
  kStop = '.',
  kPop = '0',
  kPopMark = '1',
  kDup = '2',
  kFloat = 'F',
  kInt = 'I',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kLong = 'L',
  kBinInt2 = 'M',
  kNone = 'N',
  kString = 'S',
  kBinString = 'T',
  kShortBinString = 'U',
  kUnicode = 'V',
  kBinUnicode = 'X',
  kAppend = 'a',
  kDict = 'd',
  kEmptyDict = '}',
  kAppends = 'e',
  kGet = 'g',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kList = 'l',
  kEmptyList = ']',
  kPut = 'p',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kEmptyTuple = ')',
  kSetItems = 'u',
  kBinFloat = 'G',
  kProto = 0x80,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kLong4 = 0x8b,
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kBinBytes8 = 0x8e,
  kMemoize = 0x94,
  kFrame = 0x95,
  // These import, call, build or point outside the file.
  kBinPersId = 'Q',
  kReduce = 'R',
  kBuild = 'b',
  kGlobal = 'c',
  kInst = 'i',
  kObj = 'o',
  kNewObj = 0x81,
  kStackGlobal = 0x93,
};

// What plain data never needs; pickle_policy.h tells of those that PyTorch's files may hold.
struct RefusedOpcode {
  unsigned char code;
  std::string_view name;
};
constexpr std::array<RefusedOpcode, 19> kRefused = {{{'P', "PERSID"},
                                                     {'Q', "BINPERSID"},
                                                     {'R', "REDUCE"},
                                                     {'b', "BUILD"},
                                                     {'c', "GLOBAL"},
                                                     {'i', "INST"},
                                                     {'o', "OBJ"},
                                                     {0x81, "NEWOBJ"},
                                                     {0x82, "EXT1"},
                                                     {0x83, "EXT2"},
                                                     {0x84, "EXT4"},
                                                     {0x8f, "EMPTY_SET"},
                                                     {0x90, "ADDITEMS"},
                                                     {0x91, "FROZENSET"},
                                                     {0x92, "NEWOBJ_EX"},
                                                     {0x93, "STACK_GLOBAL"},
                                                     {0x96, "BYTEARRAY8"},
                                                     {0x97, "NEXT_BUFFER"},
                                                     {0x98, "READONLY_BUFFER"}}};

// Empty for a byte that is no opcode at all.
constexpr std::string_view refused_name(unsigned char code) {
  const auto* found =
      std::find_if(kRefused.begin(), kRefused.end(), [code](const auto& op) { return op.code == code; });
  return found == kRefused.end() ? std::string_view() : found->name;
}

}  // namespace glint::pickle
