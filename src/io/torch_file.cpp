#include "glint/io/torch_file.h"

#include <torch/torch.h>

#include <algorithm>

#include "glint/core/error.h"
#include "glint/core/file_kind.h"
#include "glint/io/zip.h"
#include "io/pickle_storage.h"
#include "io/shards.h"
#include "io/torch_legacy.h"
#include "io/torch_limits.h"
#include "io/torch_storages.h"
#include "io/torch_values.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

// A zip archive with one folder: data.pkl, the storages data/<key>, byteorder; constants.pkl where it is TorchScript's,
// whose code/ is of no interest.
class ArchiveReader {
 public:
  explicit ArchiveReader(const fs::path& path) : zip_(path), file_(path.string()) {
    for (const auto& member : zip_.members()) {
      if (!members_.emplace(member.name, &member).second) fail("holds two members named " + member.name);
    }
    folder_ = find_folder();
  }

  TorchFile read() {
    const bool is_script = members_.contains(folder_ + "constants.pkl");
    check_byte_order();
    TorchFile read{is_script ? "TorchScript" : "torch.save", {}, {}, {}};
    const auto& member = *members_.at(folder_ + "data.pkl");
    PickleStorage pickle;
    pickle.bytes = zip_.read(member, kMaxTorchPickle);
    const auto content = is_script ? PickleContent::kTorchScript : PickleContent::kTorchSave;
    pickle::read({pickle.bytes, concat(file_, ": ", member.name), 0, content, /*is_alone=*/true}, pickle);
    TorchStorages storages(zip_.file(), [this](const std::string& key) { return place(key); });
    name_values(
        pickle.value, [&](const TorchStorage& storage) { return storages.read(storage); }, file_, read);
    return read;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(file_, ": ", what); }

  // "archive/", or whatever the folder is called; empty where the archive has none.
  std::string find_folder() const {
    for (const auto& [name, member] : members_) {
      const auto slash = name.find('/');
      const std::string folder = slash == std::string::npos ? "" : name.substr(0, slash + 1);
      if (name == folder + "data.pkl") return folder;
    }
    fail(
        "is a zip archive without a data.pkl, so neither torch.save nor torch.jit.save (of PyTorch 1.4 or newer) wrote "
        "it");
  }

  void check_byte_order() const {
    const auto order = members_.find(folder_ + "byteorder");
    if (order == members_.end()) return;
    const auto text = zip_.read(*order->second, /*limit_bytes=*/64);
    if (text == "big") fail(kBigEndian);
    if (text != "little") fail("has a byteorder that is neither little nor big");
  }

  StoragePlace place(const std::string& key) const {
    const auto found = members_.find(concat(folder_, "data/", key));
    if (found == members_.end()) fail(concat("lacks storage ", key, " (", folder_, "data/", key, ")"));
    return {zip_.stored_at(*found->second), found->second->size};
  }

  const ZipArchive zip_;
  const std::string file_;
  std::map<std::string, const ZipMember*> members_;
  std::string folder_;
};

constexpr std::size_t kTarMarkAt = 257;

}  // namespace

TorchFile read_torch_file(const fs::path& path) {
  const auto file = std::make_shared<const MappedFile>(path);
  const std::string start = file->bytes(0, std::min<std::uint64_t>(file->size(), 512));
  if (start.starts_with("PK\x03\x04")) return ArchiveReader(path).read();
  if (is_torch_legacy(*file)) return read_torch_legacy(file);
  if (start.size() > kTarMarkAt && start.compare(kTarMarkAt, 5, "ustar") == 0) {
    throw Error(
        path.string(),
        ": is a tar archive, as PyTorch wrote before its first releases; load and save it with a newer PyTorch");
  }
  if (start.starts_with('\x80')) throw Error(path.string(), ": is a pickle, but not one that torch.save wrote");
  refuse_file(path, "is no file of torch.save's or torch.jit.save's, or its beginning is damaged");
}

TensorMap read_torch_index(const fs::path& index) {
  return read_shards(index, [](const fs::path& shard) { return read_torch_file(shard).tensors; });
}

}  // namespace glint
