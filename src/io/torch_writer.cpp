#include <torch/torch.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "glint/core/error.h"
#include "glint/core/little_endian.h"
#include "glint/io/torch_file.h"
#include "io/torch_types.h"
#include "io/zip_writer.h"

namespace glint {
namespace {

constexpr auto kFolder = "archive/";

// Tensors of one storage are written as one: tied weights, parts of one another.
struct Group {
  std::vector<std::string> names;
  bool is_one_view = true;  // all see the same numbers in the same order: these alone are written, in that order
  std::int64_t begin = 0, end = 0;  // else: what part of the storage they see

  // -> [count], CPU
  torch::Tensor numbers(const TensorMap& tensors) const {
    const auto first = tensors.at(names.front()).detach();
    if (is_one_view) return first.to(torch::kCPU).contiguous().view(-1);
    return first.as_strided({end - begin}, {1}, begin).to(torch::kCPU);
  }
};

std::int64_t end_of(const torch::Tensor& tensor) {
  if (tensor.numel() == 0) return tensor.storage_offset();
  std::int64_t last = tensor.storage_offset();
  for (std::int64_t i = 0; i < tensor.dim(); ++i) last += (tensor.size(i) - 1) * tensor.stride(i);
  return last + 1;
}

std::vector<Group> grouped(const TensorMap& tensors) {
  std::vector<Group> groups;
  std::map<std::pair<const void*, torch::ScalarType>, std::size_t> known;
  for (const auto& [name, tensor] : tensors) {
    const auto key =
        std::pair<const void*, torch::ScalarType>(tensor.storage().unsafeGetStorageImpl(), tensor.scalar_type());
    const auto [place, is_new] = known.emplace(key, groups.size());
    if (is_new) groups.push_back({{}, true, tensor.storage_offset(), end_of(tensor)});
    Group& group = groups[place->second];
    group.names.push_back(name);
    const auto& first = tensors.at(group.names.front());
    group.is_one_view &= first.storage_offset() == tensor.storage_offset() && first.sizes() == tensor.sizes() &&
                         first.strides() == tensor.strides();
    group.begin = std::min(group.begin, tensor.storage_offset());
    group.end = std::max(group.end, end_of(tensor));
  }
  return groups;
}

std::string_view storage_class(const std::string& name, torch::ScalarType type) {
  const auto* known = std::find_if(kStorageClasses.begin(), kStorageClasses.end(),
                                   [&](const auto& candidate) { return candidate.type == type; });
  GLINT_CHECK(known != kStorageClasses.end(), "tensor '", name, "' has the type ", type);
  return known->name;
}

// The opcodes of an OrderedDict of tensors, in protocol 2.
class StateDictPickle {
 public:
  StateDictPickle() { bytes_ = concat("\x80\x02", kNewOrderedDict, "("); }

  void add(const std::string& name, const torch::Tensor& tensor, const Group& group, std::size_t key) {
    const auto strides =
        group.is_one_view ? tensor.detach().to(torch::kMeta).contiguous().strides().vec() : tensor.strides().vec();
    text(name);
    bytes_ += "ctorch._utils\n_rebuild_tensor_v2\n((";
    text("storage");
    bytes_ += concat("ctorch\n", storage_class(name, tensor.scalar_type()), "\n");
    text(std::to_string(key));
    text("cpu");
    number(group.is_one_view ? tensor.numel() : group.end - group.begin);
    bytes_ += "tQ";
    number(group.is_one_view ? 0 : tensor.storage_offset() - group.begin);
    tuple(tensor.sizes());
    tuple(strides);
    bytes_ += concat("\x89", kNewOrderedDict, "tR");  // needs no gradient, has no hooks
  }

  std::string finished() { return bytes_ + "u."; }

 private:
  static constexpr auto kNewOrderedDict = "ccollections\nOrderedDict\n)R";

  void text(const std::string& text) {
    GLINT_CHECK(text.size() <= std::numeric_limits<std::uint32_t>::max(), text.size(), " bytes of name");
    bytes_ += concat("X", little_endian(text.size(), 4), text);
  }
  void number(std::int64_t value) { bytes_ += "\x8a\x08" + little_endian(std::bit_cast<std::uint64_t>(value), 8); }
  void tuple(at::IntArrayRef values) {
    bytes_ += '(';
    for (const auto value : values) number(value);
    bytes_ += 't';
  }

  std::string bytes_;
};

}  // namespace

void write_torch_file(const std::filesystem::path& path, const TensorMap& tensors) {
  const auto groups = grouped(tensors);
  StateDictPickle pickle;
  std::map<std::string, std::size_t> key_of;
  for (std::size_t key = 0; key < groups.size(); ++key) {
    for (const auto& name : groups[key].names) key_of[name] = key;
  }
  for (const auto& [name, tensor] : tensors) pickle.add(name, tensor, groups[key_of[name]], key_of[name]);

  ZipWriter zip(path);
  zip.add(concat(kFolder, "data.pkl"), pickle.finished());
  zip.add(concat(kFolder, "byteorder"), "little");
  for (std::size_t key = 0; key < groups.size(); ++key) {
    const auto numbers = groups[key].numbers(tensors);
    zip.add(concat(kFolder, "data/", key), numbers.data_ptr(), numbers.nbytes());
  }
  zip.add(concat(kFolder, "version"), "3\n");
  zip.finish();
}

}  // namespace glint
