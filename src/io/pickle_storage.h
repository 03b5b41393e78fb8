#pragma once

#include <deque>
#include <string>

#include "glint/io/pickle.h"

namespace glint {

struct PickleStorage {
  std::string bytes;                  // the texts are views of it
  std::deque<std::string> unescaped;  // or of these
  std::deque<PickleList> lists;       // owned side by side, so that whatever they hold is freed without recursion
  std::deque<PickleTuple> tuples;
  std::deque<PickleDict> dicts;
  PickleValue value;
};

namespace pickle {

constexpr std::uint64_t kMaxValues = std::uint64_t{1} << 25;  // several times the largest annotation's

// Runs the opcodes of `storage.bytes`. Error as Pickle says.
void run_opcodes(PickleStorage& storage, const std::string& file);

// Error where the value contains itself, nests too deeply, or adds up to too much where shared parts are walked one by
// one.
void check_size(const PickleValue& value, const std::string& file);

}  // namespace pickle
}  // namespace glint
