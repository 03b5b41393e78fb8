#include "glint/io/pickle.h"

#include <array>
#include <unordered_map>

#include "glint/core/error.h"
#include "io/pickle_storage.h"

namespace glint {

namespace pickle {
namespace {

constexpr std::size_t kMaxDepth = 64;  // annotations nest four deep, TorchScript modules twice as deep as their names
constexpr std::uint64_t kMaxTextBytes = std::uint64_t{1} << 30;

// What a value adds up to for one who walks it.
struct Totals {
  std::size_t height = 0;
  std::uint64_t values = 1;
  std::uint64_t text_bytes = 0;
};

class SizeChecker {
 public:
  explicit SizeChecker(const std::string& file) : file_(file) {}

  Totals totals(const PickleValue& value, std::size_t depth) {
    if (const auto* list = std::get_if<const PickleList*>(&value)) return of_container(*list, depth);
    if (const auto* tuple = std::get_if<const PickleTuple*>(&value)) return of_container(*tuple, depth);
    if (const auto* dict = std::get_if<const PickleDict*>(&value)) return of_container(*dict, depth);
    if (const auto* object = std::get_if<const PickleObject*>(&value)) return of_container(*object, depth);
    Totals one;
    if (const auto* text = std::get_if<std::string_view>(&value)) one.text_bytes = text->size();
    if (const auto* bytes = std::get_if<PickleBytes>(&value)) one.text_bytes = bytes->bytes.size();
    return one;
  }

 private:
  // Each container is added up once, however often it stands somewhere.
  template <class Container>
  Totals of_container(const Container* container, std::size_t depth) {
    if (const auto known = known_.find(container); known != known_.end()) {
      check_depth(depth + known->second.height);
      return known->second;
    }
    check_depth(depth + 1);
    Totals sum;
    if constexpr (std::is_same_v<Container, PickleObject>) {
      add(sum, container->arguments, depth + 1);
      add(sum, container->state, depth + 1);
    }
    for (const auto& item : container->items) add(sum, item, depth + 1);
    ++sum.height;
    known_.emplace(container, sum);
    return sum;
  }
  void add(Totals& sum, const PickleValue& value, std::size_t depth) {
    const Totals part = totals(value, depth);
    sum.height = std::max(sum.height, part.height);
    sum.values += part.values;  // parts within their limits cannot overflow
    sum.text_bytes += part.text_bytes;
    if (sum.values > kMaxValues || sum.text_bytes > kMaxTextBytes) {
      throw Error(file_,
                  ": its values share parts so often that they add up to more than any file that is meant to be read");
    }
  }
  void add(Totals& sum, const std::pair<PickleValue, PickleValue>& item, std::size_t depth) {
    add(sum, item.first, depth);
    add(sum, item.second, depth);
  }
  // What contains itself gets here too.
  void check_depth(std::size_t depth) const {
    if (depth > kMaxDepth) {
      throw Error(file_, ": its values nest more than ", kMaxDepth, " deep, or one contains itself");
    }
  }

  const std::string& file_;
  std::unordered_map<const void*, Totals> known_;
};

}  // namespace

void check_size(const PickleValue& value, const std::string& file) {
  SizeChecker(file).totals(value, 0);
}

}  // namespace pickle

Pickle::Pickle(std::string bytes, const std::string& file) : storage_(std::make_unique<PickleStorage>()) {
  storage_->bytes = std::move(bytes);
  pickle::read({storage_->bytes, file}, *storage_);
}

Pickle::~Pickle() = default;
Pickle::Pickle(Pickle&&) noexcept = default;
Pickle& Pickle::operator=(Pickle&&) noexcept = default;

const PickleValue& Pickle::value() const {
  return storage_->value;
}

const char* pickle_type(const PickleValue& value) {
  constexpr std::array<const char*, 10> kNames = {"None",  "bool", "int",   "float", "str",
                                                  "bytes", "list", "tuple", "dict",  "object"};
  static_assert(std::variant_size_v<PickleValue> == kNames.size());
  return kNames[value.index()];
}

}  // namespace glint
