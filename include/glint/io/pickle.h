#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace glint {

struct PickleList;
struct PickleTuple;
struct PickleDict;
struct PickleStorage;
struct PickleBytes {
  std::string_view bytes;
};

// One value of a pickle: None, a bool, int, float, str (UTF-8), bytes, list, tuple or dict. Text and containers lie in
// the Pickle that gave it.
using PickleValue = std::variant<std::monostate, bool, std::int64_t, double, std::string_view, PickleBytes,
                                 const PickleList*, const PickleTuple*, const PickleDict*>;

struct PickleList {
  std::vector<PickleValue> items;
};
struct PickleTuple {
  std::vector<PickleValue> items;
};
struct PickleDict {
  std::vector<std::pair<PickleValue, PickleValue>> items;  // as they were set; a key that was set again stands twice
};

// Owns what its values point into.
class Pickle {
 public:
  // Reads a Python pickle of protocol 0 to 5 that holds plain data. Nothing is imported, called or built: any opcode
  // that would is refused by its name and place, as are values that contain themselves, nest more than a few dozen deep
  // or would fill more memory than any annotation file. `file` is for the messages: Error ("FILE: byte N: ...").
  Pickle(std::string bytes, const std::string& file);
  ~Pickle();
  Pickle(Pickle&&) noexcept;
  Pickle& operator=(Pickle&&) noexcept;

  const PickleValue& value() const;

 private:
  std::unique_ptr<PickleStorage> storage_;
};

// "dict", "str", "None", ...: for messages.
const char* pickle_type(const PickleValue& value);

}  // namespace glint
