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
struct PickleObject;
struct PickleStorage;
struct PickleBytes {
  std::string_view bytes;
  bool operator==(const PickleBytes&) const = default;
};

// One value of a pickle: None, a bool, int, float, str (UTF-8), bytes, list, tuple, dict, or the record of an object
// that Python would have made. Text, containers and records lie in the Pickle that gave it.
using PickleValue = std::variant<std::monostate, bool, std::int64_t, double, std::string_view, PickleBytes,
                                 const PickleList*, const PickleTuple*, const PickleDict*, const PickleObject*>;

struct PickleList {
  std::vector<PickleValue> items;
};
struct PickleTuple {
  std::vector<PickleValue> items;
};
struct PickleDict {
  std::vector<std::pair<PickleValue, PickleValue>> items;  // as they were set; a key that was set again stands twice
};

// What the pickle would have Python make, written down and never made.
struct PickleObject {
  enum class Kind {
    kName,        // a class or function, named and not called
    kCall,        // what calling it would give
    kPersistent,  // something outside the pickle, which `arguments` tells of: PyTorch's storages
  };
  Kind kind = Kind::kName;
  std::string name;       // "collections.OrderedDict"; of kPersistent: empty
  PickleValue arguments;  // of kCall: a tuple
  PickleValue state;      // its attributes or whatever else it would be given once made; None where there is nothing
  std::vector<std::pair<PickleValue, PickleValue>> items;  // of classes that are dicts
};

// What a pickle may hold besides plain data. Functions and classes that are not allowed may be named, but a pickle that
// calls them is refused.
enum class PickleContent {
  kPlainData,    // nothing at all, not even names: annotation files
  kTorchSave,    // tensors, and what training checkpoints hold: OrderedDict, argparse.Namespace, numpy's numbers, ...
  kTorchScript,  // the same, and the archive's own classes, whose names begin with __torch__.
};

// Owns what its values point into.
class Pickle {
 public:
  // Reads a Python pickle of protocol 0 to 5 that holds plain data. Nothing is imported, called or built: any opcode
  // that would is refused by its name and place, as are values that contain themselves, nest more than a few dozen deep
  // or would fill more memory than any annotation file. `file` is for the messages: Error ("FILE: byte N: ...").
  // (PyTorch's pickles are read by torch_file.h, with the same machine.)
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
