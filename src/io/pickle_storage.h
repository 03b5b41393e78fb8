#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "glint/io/pickle.h"

namespace glint {

struct PickleStorage {
  std::string bytes;                  // the texts are views of it, where the pickle owns its bytes at all
  std::deque<std::string> unescaped;  // or of these
  std::deque<PickleList> lists;       // owned side by side, so that whatever they hold is freed without recursion
  std::deque<PickleTuple> tuples;
  std::deque<PickleDict> dicts;
  std::deque<PickleObject> objects;
  PickleValue value;
};

namespace pickle {

constexpr std::uint64_t kMaxValues = std::uint64_t{1} << 25;   // several times the largest annotation's
constexpr std::uint64_t kMaxObjects = std::uint64_t{1} << 22;  // several times those of the largest checkpoint

struct Source {
  std::string_view bytes;    // outlive the storage
  std::string file;          // for messages
  std::uint64_t offset = 0;  // of `bytes` in the file
  PickleContent content = PickleContent::kPlainData;
  bool is_alone = true;  // bytes behind its end are refused
};

// Reads one pickle into an empty `storage`; -> the bytes that it takes. Error as Pickle says.
std::size_t read(const Source& source, PickleStorage& storage);

// Error where the value contains itself, nests too deeply, or adds up to too much where shared parts are walked one by
// one.
void check_size(const PickleValue& value, const std::string& file);

}  // namespace pickle
}  // namespace glint
