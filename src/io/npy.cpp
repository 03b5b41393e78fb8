#include <torch/torch.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "glint/core/error.h"
#include "glint/core/file_kind.h"
#include "glint/core/little_endian.h"
#include "glint/io/file_tensor.h"

// The format: "\x93NUMPY", version (2 bytes), the header's length (2 bytes, from version 2 on 4), a Python dict
// {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, then the values.

namespace glint {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kNpyHeaderLimit = 1 << 20;  // bytes
constexpr std::size_t kMostDimensions = 64;

struct NpyType {
  std::string_view name;
  torch::ScalarType type;
};
constexpr NpyType kNpyTypes[] = {
    {"<f8", torch::kFloat64}, {"<f4", torch::kFloat32}, {"<f2", torch::kFloat16}, {"<i8", torch::kInt64},
    {"<i4", torch::kInt32},   {"<i2", torch::kInt16},   {"|i1", torch::kInt8},    {"|u1", torch::kUInt8},
};

// Reads the dict; every sentence it throws names the file.
class NpyHeader {
 public:
  NpyHeader(std::string_view text, const fs::path& path) : rest_(text), path_(path) {}

  void read() {
    expect('{');
    while (!take('}')) {
      const auto key = quoted();
      expect(':');
      if (key == "descr") {
        take_type(quoted());
      } else if (key == "fortran_order") {
        fortran_ = take_word("True");
        if (!fortran_ && !take_word("False")) fail("its fortran_order is neither True nor False");
      } else if (key == "shape") {
        take_shape();
      } else {
        fail(concat("its header has the unknown key '", key, "'"));
      }
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip_spaces();
    if (!rest_.empty()) fail("its header goes on after the dict");
    if (!type_ || !sizes_) fail("its header lacks 'descr' or 'shape'");
    if (fortran_ && sizes_->size() > 1)
      throw Error(path_.string(), ": is in Fortran order; save numpy.ascontiguousarray(x)");
  }

  torch::ScalarType type() const { return *type_; }
  const std::vector<int64_t>& sizes() const { return *sizes_; }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(path_.string(), ": is not a NumPy file that glint reads: ", what);
  }

 private:
  void skip_spaces() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n' || rest_.front() == '\t'))
      rest_.remove_prefix(1);
  }
  bool take(char c) {
    skip_spaces();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail(concat("its header has no '", c, "' where one is due"));
  }
  bool take_word(std::string_view word) {
    skip_spaces();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  std::string quoted() {
    skip_spaces();
    const char quote = rest_.empty() ? '\0' : rest_.front();
    const auto end = quote == '\'' || quote == '"' ? rest_.find(quote, 1) : std::string_view::npos;
    if (end == std::string_view::npos) fail("its header has no quoted text where one is due (a table of fields?)");
    const std::string text(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return text;
  }
  void take_type(const std::string& name) {
    for (const auto& known : kNpyTypes) {
      if (name == known.name) type_ = known.type;
    }
    if (!type_) {
      throw Error(path_.string(), ": has values of the type '", name,
                  "'; floats and integers in little-endian order are read: save x.astype('<f4')");
    }
  }
  void take_shape() {
    std::vector<int64_t> sizes;
    expect('(');
    while (!take(')')) {
      skip_spaces();
      int64_t size = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
      if (error != std::errc() || size < 0 || sizes.size() == kMostDimensions) fail("its shape is not made of counts");
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      sizes.push_back(size);
      if (!take(',')) {
        expect(')');
        break;
      }
    }
    sizes_ = std::move(sizes);
  }

  std::string_view rest_;
  const fs::path& path_;
  std::optional<torch::ScalarType> type_;
  std::optional<std::vector<int64_t>> sizes_;
  bool fortran_ = false;
};

// The bytes of such a tensor; none where they cannot be counted.
std::optional<std::uint64_t> bytes_of(const std::vector<int64_t>& sizes, torch::ScalarType type) {
  std::uint64_t bytes = c10::elementSize(type), stride = bytes;
  for (const auto size : sizes) {
    const auto count = static_cast<std::uint64_t>(size);
    if (count != 0 && stride > static_cast<std::uint64_t>(std::numeric_limits<int64_t>::max()) / count)
      return std::nullopt;
    bytes *= count;
    stride *= std::max<std::uint64_t>(count, 1);
  }
  return bytes;
}

}  // namespace

FileTensor open_npy(const fs::path& path) {
  auto file = std::make_shared<const MappedFile>(path);
  constexpr std::string_view kMagic = "\x93NUMPY";
  if (file->size() < 10 || file->bytes(0, 6) != kMagic) {
    const bool is_cut = file->size() >= 6 && file->bytes(0, 6) == kMagic;
    if (is_cut) throw BadFile(path.string(), ": is cut short: it has ", file->size(), " bytes");
    refuse_file(path, "is not a NumPy file (.npy)");
  }
  const auto version = file->bytes(6, 1)[0];
  if (version < 1 || version > 3) throw Error(path.string(), ": has the unknown version ", int{version}, " of .npy");
  const std::uint64_t length_bytes = version == 1 ? 2 : 4;
  const std::uint64_t length = from_little_endian(file->bytes(8, length_bytes));
  const std::uint64_t data_start = 8 + length_bytes + length;
  if (length > kNpyHeaderLimit || data_start > file->size()) throw Error(path.string(), ": is cut short");
  const auto text = file->bytes(8 + length_bytes, length);
  NpyHeader header(text, path);
  header.read();
  const auto bytes = bytes_of(header.sizes(), header.type());
  if (!bytes) header.fail("its shape is impossible");
  if (*bytes > file->size() - data_start) {
    throw Error(path.string(), ": is cut short: its values take ", *bytes, " bytes, and it has ",
                file->size() - data_start);
  }
  return {std::move(file), data_start, header.sizes(), header.type()};
}

}  // namespace glint
