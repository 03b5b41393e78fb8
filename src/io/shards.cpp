#include "io/shards.h"

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/json.h"
#include "glint/core/text_file.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kIndexLimit = std::size_t{64} << 20;  // bytes
constexpr std::size_t kNamesInMessage = 20;

using NamesOfFiles = std::map<std::string, std::set<std::string>>;

NamesOfFiles read_index(const fs::path& index) {
  const auto json = parse_json_object(read_text(index, kIndexLimit), index.string());
  const auto map = json.find("weight_map");
  if (map == json.end() || !map->is_object())
    throw Error(index.string(), ": is no index of weights: it has no weight_map of names and files");
  NamesOfFiles names;
  for (const auto& [name, file] : map->items()) {
    // Shards lie beside their index; a path could lead anywhere.
    if (!file.is_string() ||
        fs::path(file.get_ref<const std::string&>()).filename() != file.get_ref<const std::string&>())
      throw Error(index.string(), ": tensor '", name, "' is said to be in ", short_json(file),
                  ", which is no file's name");
    names[file.get<std::string>()].insert(name);
  }
  return names;
}

class Mismatches {
 public:
  void add(const std::string& name) {
    if (++count_ <= kNamesInMessage) names_ += (names_.empty() ? "" : ", ") + name;
  }
  std::string text() const {
    return count_ > kNamesInMessage ? concat(names_, " and ", count_ - kNamesInMessage, " more") : names_;
  }
  bool any() const { return count_ > 0; }

 private:
  std::string names_;
  std::size_t count_ = 0;
};

}  // namespace

TensorMap read_shards(const fs::path& index, const std::function<TensorMap(const fs::path&)>& read_shard) {
  TensorMap tensors;
  Mismatches missing, spare;
  for (const auto& [file, names] : read_index(index)) {
    auto shard = read_shard(index.parent_path() / file);
    for (const auto& name : names) {
      if (!shard.contains(name)) missing.add(concat(name, " (", file, ")"));
    }
    for (auto& [name, tensor] : shard) {
      if (!names.contains(name)) spare.add(concat(name, " (", file, ")"));
      tensors.emplace(name, std::move(tensor));
    }
  }
  if (missing.any()) throw Error(index.string(), ": lists tensors that its files lack: ", missing.text());
  if (spare.any()) throw Error(index.string(), ": does not list tensors of its files: ", spare.text());
  return tensors;
}

}  // namespace glint
