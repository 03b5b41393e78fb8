#include "io/torch_values.h"

#include <torch/torch.h>

#include <algorithm>
#include <limits>

#include "glint/core/error.h"
#include "io/pickle_policy.h"
#include "io/torch_types.h"

namespace glint {
namespace {

constexpr std::size_t kMaxNames = std::size_t{1} << 20;
constexpr std::size_t kMaxNameBytes = std::size_t{64} << 20;  // of all names together
constexpr std::size_t kMaxDims = 64;
constexpr std::int64_t kMaxRepeated = std::int64_t{16} << 20;  // numbers beyond those of their storages, all tensors

constexpr std::string_view kStorageModule = "torch.";

bool is_call(const PickleObject& object, std::string_view name) {
  return object.kind == PickleObject::Kind::kCall && object.name == name;
}

// The items of a list or tuple; none where it is neither.
const std::vector<PickleValue>* sequence(const PickleValue& value) {
  if (const auto* list = std::get_if<const PickleList*>(&value)) return &(*list)->items;
  if (const auto* tuple = std::get_if<const PickleTuple*>(&value)) return &(*tuple)->items;
  return nullptr;
}

const std::vector<PickleValue>& arguments(const PickleObject& object) {
  return std::get<const PickleTuple*>(object.arguments)->items;
}

class TensorBuilder {
 public:
  TensorBuilder(const StorageReader& storages, const std::string& file) : storages_(storages), file_(file) {}

  // (storage, offset, sizes, strides, ...), as torch._utils._rebuild_tensor_v2 has it.
  torch::Tensor tensor(const std::vector<PickleValue>& parts, const std::string& name) {
    const auto* storage = parts.size() < 4 ? nullptr : std::get_if<const PickleObject*>(&parts[0]);
    if (storage == nullptr || (*storage)->kind != PickleObject::Kind::kPersistent) fail(name, "names no storage");
    const auto* offset = std::get_if<std::int64_t>(&parts[1]);
    if (offset == nullptr || *offset < 0) fail(name, "has an offset that is no count");
    const auto sizes = counts(parts[2], name), strides = counts(parts[3], name);
    if (sizes.size() != strides.size()) fail(name, "has another number of strides than of sizes");
    const auto* metadata = parts.size() < 7 ? nullptr : std::get_if<const PickleDict*>(&parts[6]);
    if (metadata != nullptr && !(*metadata)->items.empty()) fail(name, "is to be negated or conjugated when read");

    const auto all = storages_(torch_storage(**storage, file_));
    check_extent(all.numel(), *offset, sizes, strides, name);
    if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end()) return all.new_empty(sizes);
    return all.as_strided(sizes, strides, all.storage_offset() + *offset);
  }

  [[noreturn]] void fail(const std::string& name, const std::string& what) const {
    throw Error(file_, ": tensor '", name, "' ", what);
  }

 private:
  std::vector<std::int64_t> counts(const PickleValue& value, const std::string& name) const {
    const auto* object = std::get_if<const PickleObject*>(&value);
    if (object != nullptr && is_call(**object, "torch.Size") && arguments(**object).size() == 1)
      return counts(arguments(**object)[0], name);
    const auto* items = sequence(value);
    if (items == nullptr || items->size() > kMaxDims) fail(name, "has no sizes or strides");
    std::vector<std::int64_t> counts;
    for (const auto& item : *items) {
      const auto* count = std::get_if<std::int64_t>(&item);
      if (count == nullptr || *count < 0) fail(name, "has sizes or strides that are no counts");
      counts.push_back(*count);
    }
    return counts;
  }

  // The tensor lies in its storage of `available` numbers, and no size overflows.
  void check_extent(std::int64_t available, std::int64_t offset, const std::vector<std::int64_t>& sizes,
                    const std::vector<std::int64_t>& strides, const std::string& name) {
    std::int64_t last = offset, count = 1, bytes = 16;  // at most 16 a number; LibTorch multiplies zero sizes as if one
    bool fits = true, is_empty = false;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      std::int64_t reach = 0;
      is_empty |= sizes[i] == 0;
      fits &= !__builtin_mul_overflow(std::max<std::int64_t>(sizes[i] - 1, 0), strides[i], &reach);
      fits &= !__builtin_add_overflow(last, reach, &last);
      fits &= !__builtin_mul_overflow(bytes, std::max<std::int64_t>(sizes[i], 1), &bytes);
      count *= fits ? sizes[i] : 0;
    }
    if (!fits) fail(name, "has an impossible shape");
    if (is_empty) return;
    if (last >= available) fail(name, concat("wants number ", last, " of a storage of ", available));
    repeated_ += std::max<std::int64_t>(count - available, 0);
    if (repeated_ > kMaxRepeated) fail(name, "repeats the numbers of its storage more often than any weights do");
  }

  const StorageReader& storages_;
  const std::string& file_;
  std::int64_t repeated_ = 0;
};

class Namer {
 public:
  Namer(const StorageReader& storages, const std::string& file, TorchFile& named)
      : tensors_(storages, file), file_(file), named_(named) {}

  void add(const PickleValue& value, const std::string& name) {
    if (const auto* items = sequence(value)) return add_items(*items, name);
    std::visit([&](const auto& plain) { add_plain(plain, name); }, value);
  }

 private:
  // --- by type

  void add_plain(std::monostate, const std::string&) {}
  void add_plain(bool value, const std::string& name) { keep(named_.scalars, name, value); }
  void add_plain(std::int64_t value, const std::string& name) { keep(named_.scalars, name, value); }
  void add_plain(double value, const std::string& name) { keep(named_.scalars, name, value); }
  void add_plain(std::string_view text, const std::string& name) { keep(named_.scalars, name, std::string(text)); }
  void add_plain(const PickleBytes& bytes, const std::string& name) {
    keep(named_.others, name, concat(bytes.bytes.size(), " bytes"));
  }
  void add_plain(const PickleDict* dict, const std::string& name) { add_entries(dict->items, name, '/'); }
  void add_plain(const PickleObject* object, const std::string& name) { add_object(*object, name); }
  void add_plain(const PickleList*, const std::string&) {}  // add() has dealt with these two
  void add_plain(const PickleTuple*, const std::string&) {}

  void add_items(const std::vector<PickleValue>& items, const std::string& name) {
    for (std::size_t i = 0; i < items.size(); ++i) add(items[i], inside(name, std::to_string(i), '/'));
  }
  void add_entries(const std::vector<std::pair<PickleValue, PickleValue>>& items, const std::string& name, char joint) {
    for (const auto& [key, value] : items) {
      if (const auto* text = std::get_if<std::string_view>(&key)) {
        add(value, inside(name, *text, joint));
      } else if (const auto* number = std::get_if<std::int64_t>(&key)) {
        add(value, inside(name, std::to_string(*number), joint));
      } else {
        named_.others.emplace(inside(name, concat("(", pickle_type(key), " as a key)"), joint), "passed over");
      }
    }
  }

  // --- objects

  void add_object(const PickleObject& object, const std::string& name) {
    if (object.kind == PickleObject::Kind::kPersistent) return keep(named_.others, name, "a storage by itself");
    if (object.kind == PickleObject::Kind::kName) return keep(named_.others, name, object.name);
    const auto& parts = arguments(object);
    if (const auto* tensor = tensor_parts(object, name)) {
      keep(named_.tensors, name, tensors_.tensor(*tensor, name));
    } else if (pickle::is_dict_class(object.name)) {
      add_dict(object, name);
    } else if (object.name.starts_with("__torch__.")) {
      add_module(object, name);
    } else if (object.name == "argparse.Namespace") {
      add(object.state, name);
    } else if (is_wrapper(object.name) && !parts.empty()) {
      add(parts[0], name);
    } else {
      keep(named_.others, name, "object of class " + object.name);
    }
  }

  static bool is_wrapper(std::string_view name) {
    return name == "torch.Size" || name.starts_with("torch.jit._pickle.");
  }

  // The parts of a tensor, or of the tensor that a parameter holds; none where the object is something else.
  const std::vector<PickleValue>* tensor_parts(const PickleObject& object, const std::string& name) const {
    if (is_call(object, "torch._utils._rebuild_tensor_v2") || is_call(object, "torch._utils._rebuild_tensor"))
      return &arguments(object);
    const auto& parts = arguments(object);
    if (is_call(object, "torch._utils._rebuild_parameter") ||
        is_call(object, "torch._utils._rebuild_parameter_with_state")) {
      const auto* data = parts.empty() ? nullptr : std::get_if<const PickleObject*>(&parts[0]);
      if (data == nullptr || !is_call(**data, "torch._utils._rebuild_tensor_v2"))
        tensors_.fail(name, "is a parameter without a plain tensor");
      return &arguments(**data);
    }
    if (!is_call(object, "torch._tensor._rebuild_from_type_v2") || parts.size() < 3) return nullptr;
    // (function, class, its arguments, attributes): a tensor that carries attributes of its own.
    const auto* function = std::get_if<const PickleObject*>(&parts[0]);
    if (function == nullptr || (*function)->name != "torch._utils._rebuild_tensor_v2") return nullptr;
    return sequence(parts[2]);
  }

  // A dict that was made by a call: of nothing, of another dict, or of a list of pairs; defaultdict's argument is the
  // class of its values.
  void add_dict(const PickleObject& object, const std::string& name) {
    const auto& parts = arguments(object);
    if (!parts.empty() && object.name != "collections.defaultdict") {
      if (const auto* dict = std::get_if<const PickleDict*>(&parts[0])) add_entries((*dict)->items, name, '/');
      if (const auto* pairs = sequence(parts[0])) {
        for (const auto& item : *pairs) {
          const auto* pair = sequence(item);
          if (pair == nullptr || pair->size() != 2) throw Error(file_, ": '", name, "' is made of what are no pairs");
          add_entries({{(*pair)[0], (*pair)[1]}}, name, '/');
        }
      }
    }
    add_entries(object.items, name, '/');
  }

  void add_module(const PickleObject& object, const std::string& name) {
    const auto* attributes = std::get_if<const PickleDict*>(&object.state);
    if (attributes == nullptr) return keep(named_.others, name, "object of class " + object.name);
    std::vector<std::pair<PickleValue, PickleValue>> own;
    for (const auto& item : (*attributes)->items) {
      const auto* key = std::get_if<std::string_view>(&item.first);
      const bool is_bookkeeping = key != nullptr && (*key == "training" || *key == "_is_full_backward_hook");
      if (!is_bookkeeping) own.push_back(item);  // every module has these two
    }
    add_entries(own, name, '.');
  }

  // --- names

  std::string inside(const std::string& name, std::string_view key, char joint) {
    std::string full = name;
    if (!name.empty()) full += joint;
    full += key;
    name_bytes_ += full.size();
    if (name_bytes_ > kMaxNameBytes) throw Error(file_, ": has more or longer names than any weights");
    return full;
  }
  template <class Map, class Value>
  void keep(Map& map, const std::string& name, Value&& value) {
    const bool is_known =
        named_.tensors.contains(name) || named_.scalars.contains(name) || named_.others.contains(name);
    if (is_known) throw Error(file_, ": holds two values of the name '", name, "'");
    map.emplace(name, std::forward<Value>(value));
    if (++names_ > kMaxNames) throw Error(file_, ": has more or longer names than any weights");
  }

  TensorBuilder tensors_;
  const std::string& file_;
  TorchFile& named_;
  std::size_t names_ = 0;
  std::size_t name_bytes_ = 0;
};

}  // namespace

TorchStorage torch_storage(const PickleObject& object, const std::string& file) {
  // ("storage", class, key, device, numbers); the legacy format has a sixth part, None or (key, offset, numbers).
  const auto* parts = sequence(object.arguments);
  const auto part = [&]<class Type>(const std::vector<PickleValue>& of, std::size_t index, Type) -> const Type& {
    const auto* value = index < of.size() ? std::get_if<Type>(&of[index]) : nullptr;
    if (value == nullptr) throw Error(file, ": describes a storage in a way that PyTorch does not");
    return *value;
  };
  if (parts == nullptr || part(*parts, 0, std::string_view()) != "storage") {
    throw Error(file, ": holds something outside its pickle that is no storage");
  }
  TorchStorage storage;
  const std::string& name = part(*parts, 1, static_cast<const PickleObject*>(nullptr))->name;
  const auto* known = std::find_if(kStorageClasses.begin(), kStorageClasses.end(), [&](const auto& candidate) {
    return name == concat(kStorageModule, candidate.name);
  });
  if (known == kStorageClasses.end()) throw Error(file, ": holds numbers of type ", name, ", which are not read");
  storage.type = known->type;
  storage.key = part(*parts, 2, std::string_view());
  storage.count = part(*parts, 4, std::int64_t());
  const auto most = std::numeric_limits<std::int64_t>::max() / 16;
  if (storage.count < 0 || storage.count > most)
    throw Error(file, ": storage ", storage.key, " has an impossible size");
  if (parts->size() < 6 || std::holds_alternative<std::monostate>((*parts)[5])) return storage;
  const auto* view = sequence((*parts)[5]);
  if (view == nullptr) throw Error(file, ": describes a storage in a way that PyTorch does not");
  storage.view_key = part(*view, 0, std::string_view());
  storage.view_offset = part(*view, 1, std::int64_t());
  storage.view_count = part(*view, 2, std::int64_t());
  return storage;
}

void name_values(const PickleValue& value, const StorageReader& storages, const std::string& file, TorchFile& named) {
  Namer(storages, file, named).add(value, "");
}

}  // namespace glint
