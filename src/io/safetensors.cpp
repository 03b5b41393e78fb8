#include "glint/io/safetensors.h"

#include <torch/torch.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>
#include <vector>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/file_kind.h"
#include "glint/core/json.h"
#include "glint/core/mapped_file.h"
#include "glint/io/file_tensor.h"
#include "io/shards.h"
#include "io/tensor_bytes.h"

// The format: 8 bytes with the header's length N (little endian), N bytes of JSON {name: {dtype, shape, data_offsets}},
// then the data; offsets count from the end of the header, without gaps or overlaps.

namespace glint {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kHeaderDepth = 8;              // an object of objects that hold lists
constexpr std::uint64_t kHeaderLimit = 100'000'000;  // bytes; the format's own limit

struct TypeName {
  const char* name;
  torch::ScalarType type;
};
constexpr TypeName kTypes[] = {
    {"F64", torch::kFloat64}, {"F32", torch::kFloat32}, {"F16", torch::kFloat16}, {"BF16", torch::kBFloat16},
    {"I64", torch::kInt64},   {"I32", torch::kInt32},   {"I16", torch::kInt16},   {"I8", torch::kInt8},
    {"U8", torch::kUInt8},    {"BOOL", torch::kBool},
};

struct Entry {
  std::string name;
  torch::ScalarType type;
  std::vector<int64_t> shape;
  std::uint64_t begin;
  std::uint64_t end;
};

// Reads header entries; every sentence it throws names the file.
class HeaderReader {
 public:
  HeaderReader(const fs::path& path, std::uint64_t data_size) : path_(path), data_size_(data_size) {}

  Entry entry(const std::string& name, const json& value) const {
    if (!value.is_object()) fail(name, "is not described by an object");
    Entry entry{name, type(name, value), shape(name, value), 0, 0};
    const auto offsets = value.find("data_offsets");
    if (offsets == value.end() || !offsets->is_array() || offsets->size() != 2 || !(*offsets)[0].is_number_unsigned() ||
        !(*offsets)[1].is_number_unsigned()) {
      fail(name, "has no data_offsets of two numbers");
    }
    entry.begin = (*offsets)[0].get<std::uint64_t>();
    entry.end = (*offsets)[1].get<std::uint64_t>();
    if (entry.begin > entry.end || entry.end > data_size_) {
      throw Error(path_.string(), ": is cut short: tensor '", name, "' ends at byte ", entry.end, " of ", data_size_,
                  " bytes of data");
    }
    std::uint64_t bytes = c10::elementSize(entry.type);
    std::uint64_t stride = bytes;  // LibTorch's strides pass over zero sizes, so they can overflow where `bytes` is 0
    for (const auto size : entry.shape) {
      const auto count = static_cast<std::uint64_t>(size);
      if (count != 0 && stride > static_cast<std::uint64_t>(std::numeric_limits<int64_t>::max()) / count) {
        fail(name, "has an impossible shape");
      }
      bytes *= count;
      stride *= std::max<std::uint64_t>(count, 1);
    }
    if (bytes != entry.end - entry.begin) fail(name, "has a shape that does not fit its bytes");
    return entry;
  }

 private:
  torch::ScalarType type(const std::string& name, const json& value) const {
    const auto found = value.find("dtype");
    if (found == value.end() || !found->is_string()) fail(name, "has no dtype");
    for (const auto& known : kTypes) {
      if (found->get_ref<const std::string&>() == known.name) return known.type;
    }
    fail(name, concat("has the unknown dtype ", short_json(*found)));
  }

  std::vector<int64_t> shape(const std::string& name, const json& value) const {
    const auto found = value.find("shape");
    if (found == value.end() || !found->is_array() || found->size() > 64) fail(name, "has no shape");
    std::vector<int64_t> sizes;
    for (const auto& size : *found) {
      if (!size.is_number_unsigned() || size.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max()) {
        fail(name, "has a shape that is not made of counts");
      }
      sizes.push_back(size.get<int64_t>());
    }
    return sizes;
  }

  [[noreturn]] void fail(const std::string& name, const std::string& what) const {
    throw Error(path_.string(), ": tensor '", name, "' ", what);
  }

  const fs::path& path_;
  std::uint64_t data_size_;
};

struct Header {
  json entries;
  std::uint64_t data_start = 0;
};

Header read_header(const MappedFile& file) {
  const auto& path = file.path();
  std::uint64_t header_size = 0;
  if (file.size() < sizeof header_size)
    refuse_file(path, concat("is not a safetensors file: it has ", file.size(), " bytes"));
  file.read(0, &header_size, sizeof header_size);
  if (header_size > kHeaderLimit || header_size > file.size() - sizeof header_size) {
    const bool is_cut = file.size() > 9 && file.bytes(8, 1) == "{" && header_size <= kHeaderLimit;
    const auto sizes = concat("its header would have ", header_size, " bytes, the file has ", file.size());
    if (is_cut) throw BadFile(path.string(), ": is cut short: ", sizes, "; fetch it anew");
    refuse_file(path, concat("is not a safetensors file or is cut short: ", sizes));
  }
  auto entries = parse_json_object(file.bytes(sizeof header_size, header_size), concat(path.string(), " (header)"), 1,
                                   kHeaderDepth);
  return {std::move(entries), sizeof header_size + header_size};
}

// Where everything lies, checked.
struct Contents {
  std::shared_ptr<const MappedFile> file;
  std::uint64_t data_start = 0;
  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;
};

Contents read_contents(const fs::path& path) {
  Contents contents;
  contents.file = std::make_shared<const MappedFile>(path);
  const auto [header, data_start] = read_header(*contents.file);
  contents.data_start = data_start;
  const std::uint64_t data_size = contents.file->size() - data_start;
  const HeaderReader reader(path, data_size);
  auto& entries = contents.entries;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") {
      if (!value.is_object()) throw Error(path.string(), ": __metadata__ is not an object");
      for (const auto& [key, text] : value.items()) {
        if (!text.is_string()) throw Error(path.string(), ": __metadata__ '", key, "' is not a string");
        contents.metadata[key] = text.get<std::string>();
      }
      continue;
    }
    entries.push_back(reader.entry(name, value));
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
  std::uint64_t next = 0;
  for (const auto& entry : entries) {
    if (entry.begin != next)
      throw Error(path.string(), ": the data of tensor '", entry.name, "' overlap or leave a gap");
    next = entry.end;
  }
  if (next != data_size) throw Error(path.string(), ": holds data that belong to no tensor");
  return contents;
}

}  // namespace

TensorFile read_safetensors(const fs::path& path) {
  auto contents = read_contents(path);
  TensorFile file;
  file.metadata = std::move(contents.metadata);
  for (const auto& entry : contents.entries) {
    const auto count = static_cast<std::int64_t>((entry.end - entry.begin) / c10::elementSize(entry.type));
    const auto numbers = tensor_in_file(contents.file, {contents.data_start + entry.begin, count, entry.type});
    file.tensors[entry.name] = numbers.view(entry.shape);
  }
  return file;
}

OpenTensorFile open_safetensors(const fs::path& path) {
  auto contents = read_contents(path);
  OpenTensorFile file;
  file.metadata = std::move(contents.metadata);
  for (const auto& entry : contents.entries) {
    file.tensors.emplace(entry.name,
                         FileTensor(contents.file, contents.data_start + entry.begin, entry.shape, entry.type));
  }
  return file;
}

TensorMap read_safetensors_index(const fs::path& index) {
  return read_shards(index, [](const fs::path& shard) { return read_safetensors(shard).tensors; });
}

void write_values(const torch::Tensor& tensor, AtomicFile& file) {
  const auto plain = tensor.detach().to(torch::kCPU).contiguous();
  file.write(plain.const_data_ptr(), plain.nbytes());
}

namespace {

// The bytes before the values of such tensors, which come in the order of their names.
std::string header_of(const TensorMap& tensors, const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const char* type_name = nullptr;
    for (const auto& known : kTypes) {
      if (known.type == tensor.scalar_type()) type_name = known.name;
    }
    GLINT_CHECK(type_name != nullptr, "tensor '", name, "' has the type ", tensor.scalar_type());
    const std::uint64_t end = offset + static_cast<std::uint64_t>(tensor.nbytes());
    header[name] = {{"dtype", type_name}, {"shape", tensor.sizes().vec()}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = json_text(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the data start at a multiple of eight
  const std::uint64_t size = text.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + text;
}

}  // namespace

void write_safetensors(const fs::path& path, const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata, const WriteTensor& write) {
  const auto header = header_of(tensors, metadata);
  AtomicFile file(path);
  file.write(header.data(), header.size());
  for (const auto& [name, tensor] : tensors) write(tensor, file);
  file.commit();
}

SafetensorsWriter::SafetensorsWriter(const fs::path& path, const TensorMap& shapes,
                                     const std::map<std::string, std::string>& metadata)
    : file_(path) {
  const auto header = header_of(shapes, metadata);
  file_.write(header.data(), header.size());
  for (const auto& [name, tensor] : shapes) left_ += static_cast<std::uint64_t>(tensor.nbytes());
}

void SafetensorsWriter::write(const torch::Tensor& values) {
  const auto bytes = static_cast<std::uint64_t>(values.nbytes());
  GLINT_CHECK(bytes <= left_, bytes, " bytes, room for ", left_);
  left_ -= bytes;
  write_values(values, file_);
}

void SafetensorsWriter::commit() {
  GLINT_CHECK(left_ == 0, left_, " bytes are missing");
  file_.commit();
}

}  // namespace glint
