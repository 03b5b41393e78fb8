#include "io/torch_legacy.h"

#include <torch/torch.h>

#include <algorithm>

#include "glint/core/error.h"
#include "io/pickle_storage.h"
#include "io/torch_limits.h"
#include "io/torch_storages.h"
#include "io/torch_values.h"

namespace glint {
namespace {

using namespace std::string_view_literals;

// The number 0x1950a86a20f9469cfc6c as a pickle ends with it; protocols differ in the few bytes before.
constexpr auto kMagic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."sv;
constexpr std::size_t kMaxBeforeMagic = 16;  // bytes
constexpr std::int64_t kVersion = 1001;

std::string_view head(const MappedFile& file, std::uint64_t size) {
  return {reinterpret_cast<const char*>(file.data()), static_cast<std::size_t>(std::min(file.size(), size))};
}

class LegacyReader {
 public:
  explicit LegacyReader(const std::shared_ptr<const MappedFile>& file) : file_(file), name_(file->path().string()) {}

  TorchFile read() {
    at_ = head(*file_, kMaxBeforeMagic + kMagic.size()).find(kMagic) + kMagic.size();
    PickleStorage version, system, object, keys;
    next_pickle(version, PickleContent::kPlainData);
    if (version.value != PickleValue(kVersion)) fail("is of a version of PyTorch's legacy format that is not known");
    next_pickle(system, PickleContent::kPlainData);
    check_system(system.value);
    next_pickle(object, PickleContent::kTorchSave);
    next_pickle(keys, PickleContent::kPlainData);
    find_storages(object, keys.value);

    TorchFile read{"torch.save, legacy format", {}, {}, {}};
    TorchStorages storages(file_, [this](const std::string& key) { return place(key); });
    name_values(
        object.value, [&](const TorchStorage& storage) { return storages.read(storage); }, name_, read);
    return read;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(name_, ": ", what); }

  void next_pickle(PickleStorage& storage, PickleContent content) {
    const auto bytes = head(*file_, file_->size()).substr(at_, kMaxTorchPickle);
    at_ += pickle::read({bytes, name_, at_, content, /*is_alone=*/false}, storage);
  }

  void check_system(const PickleValue& system) const {
    const auto* dict = std::get_if<const PickleDict*>(&system);
    if (dict == nullptr) fail("does not say which system wrote it; it is damaged");
    for (const auto& [key, value] : (*dict)->items) {
      if (key == PickleValue("little_endian"sv) && value != PickleValue(true)) fail(kBigEndian);
    }
  }

  // Where the storages behind the pickles lie: the types in the object's pickle say how long each is.
  void find_storages(const PickleStorage& object, const PickleValue& keys) {
    std::map<std::string, std::uint64_t> item_bytes;
    for (const auto& record : object.objects) {
      if (record.kind != PickleObject::Kind::kPersistent) continue;
      const auto storage = torch_storage(record, name_);
      item_bytes[storage.key] = c10::elementSize(storage.type);
    }
    const auto* list = std::get_if<const PickleList*>(&keys);
    if (list == nullptr) fail("has no list of its storages; it is damaged");
    for (const auto& item : (*list)->items) {
      const auto* key = std::get_if<std::string_view>(&item);
      const auto known = key == nullptr ? item_bytes.end() : item_bytes.find(std::string(*key));
      if (known == item_bytes.end()) fail("has a storage that no tensor uses");
      find_storage(known->first, known->second);
    }
    if (at_ != file_->size()) fail("holds bytes behind its last storage");
  }

  void find_storage(const std::string& key, std::uint64_t item_bytes) {
    std::uint64_t count = 0;
    if (file_->size() - at_ < sizeof count) fail(concat("is cut short at storage ", key));
    file_->read(at_, &count, sizeof count);
    at_ += sizeof count;
    if (count > (file_->size() - at_) / item_bytes) fail(concat("is cut short at storage ", key));
    if (!places_.emplace(key, StoragePlace{at_, count * item_bytes}).second) fail(concat("has two storages ", key));
    at_ += count * item_bytes;
  }

  StoragePlace place(const std::string& key) const {
    const auto known = places_.find(key);
    if (known == places_.end()) fail(concat("lacks storage ", key));
    return known->second;
  }

  const std::shared_ptr<const MappedFile>& file_;
  const std::string name_;
  std::uint64_t at_ = 0;
  std::map<std::string, StoragePlace> places_;
};

}  // namespace

bool is_torch_legacy(const MappedFile& file) {
  const auto start = head(file, kMaxBeforeMagic + kMagic.size());
  return start.starts_with('\x80') && start.find(kMagic) != std::string_view::npos;
}

TorchFile read_torch_legacy(const std::shared_ptr<const MappedFile>& file) {
  return LegacyReader(file).read();
}

}  // namespace glint
