#include "io/pickle_literals.h"

#include <bit>
#include <charconv>

#include "glint/core/error.h"
#include "glint/core/little_endian.h"
#include "glint/core/utf8.h"
#include "io/pickle_opcodes.h"
#include "io/pickle_policy.h"
#include "io/pickle_text.h"

namespace glint::pickle {

unsigned char Literals::next_opcode() {
  opcode_at_ = at_;
  return static_cast<unsigned char>(take(1)[0]);
}

std::optional<PickleValue> Literals::value(unsigned char opcode) {
  auto value = number_of(opcode);
  return value ? value : text_of(opcode);
}

void Literals::fail(const std::string& what) const {
  throw Error(source_.file, ": byte ", source_.offset + opcode_at_, ": ", what);
}

// --- bytes

std::string_view Literals::take(std::uint64_t size) {
  if (size > left()) fail("the pickle is cut short");
  const auto taken = source_.bytes.substr(at_, size);
  at_ += size;
  return taken;
}

std::uint64_t Literals::little_endian(std::size_t size) {
  return from_little_endian(take(size));
}

std::string_view Literals::line() {
  const auto end = source_.bytes.find('\n', at_);
  if (end == std::string_view::npos) fail("the pickle is cut short");
  const auto text = source_.bytes.substr(at_, end - at_);
  at_ = end + 1;
  return text;
}

// --- numbers

std::optional<PickleValue> Literals::number_of(unsigned char opcode) {
  switch (opcode) {
    case kNone:
      return std::monostate();
    case kNewTrue:
      return true;
    case kNewFalse:
      return false;
    case kBinInt:
      return std::int64_t{std::bit_cast<std::int32_t>(static_cast<std::uint32_t>(little_endian(4)))};
    case kBinInt1:
      return static_cast<std::int64_t>(little_endian(1));
    case kBinInt2:
      return static_cast<std::int64_t>(little_endian(2));
    case kLong1:
      return long_integer(little_endian(1));
    case kLong4:
      return long_integer(little_endian(4));
    case kInt:
      return integer_line();
    case kLong:
      return long_line();
    case kBinFloat:
      return big_endian_float();
    case kFloat:
      return number<double>(line());
    default:
      return std::nullopt;
  }
}

template <class Number>
Number Literals::number(std::string_view text) const {
  Number number{};
  const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem == std::errc::result_out_of_range) fail("a number has more than 64 bits");
  if (problem != std::errc() || rest != text.data() + text.size()) fail("what should be a number is none");
  return number;
}
template std::uint64_t Literals::number(std::string_view text) const;

PickleValue Literals::integer_line() {
  const auto text = line();
  if (text == "00" || text == "01") return text == "01";
  return number<std::int64_t>(text);
}

std::int64_t Literals::long_line() {
  auto text = line();
  if (text.ends_with('L')) text.remove_suffix(1);
  return number<std::int64_t>(text);
}

// Two's complement of any length.
std::int64_t Literals::long_integer(std::uint64_t size) {
  const auto bytes = take(size);
  const bool is_negative = !bytes.empty() && (static_cast<unsigned char>(bytes.back()) & 0x80) != 0;
  std::uint64_t number = is_negative ? ~std::uint64_t{0} : 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (i >= 8 && byte != (is_negative ? 0xFF : 0)) fail("a number has more than 64 bits");
    if (i < 8) number = number << 8 | byte;
  }
  const auto result = std::bit_cast<std::int64_t>(number);
  if ((result < 0) != is_negative) fail("a number has more than 64 bits");
  return result;
}

double Literals::big_endian_float() {
  std::uint64_t bits = 0;
  for (const char byte : take(8)) bits = bits << 8 | static_cast<unsigned char>(byte);
  return std::bit_cast<double>(bits);
}

// --- text and bytes

std::optional<PickleValue> Literals::text_of(unsigned char opcode) {
  switch (opcode) {
    case kBinUnicode:
      return text(take(little_endian(4)));
    case kShortBinUnicode:
      return text(take(little_endian(1)));
    case kBinUnicode8:
      return text(take(little_endian(8)));
    case kBinString:
      return python2_text(take(little_endian(4)));
    case kShortBinString:
      return python2_text(take(little_endian(1)));
    case kString:
      return python2_text(kept(unquoted(line())));
    case kUnicode:
      return text(kept(unescaped_unicode(line())));
    case kBinBytes:
      return PickleBytes{take(little_endian(4))};
    case kShortBinBytes:
      return PickleBytes{take(little_endian(1))};
    case kBinBytes8:
      return PickleBytes{take(little_endian(8))};
    default:
      return std::nullopt;
  }
}

std::string_view Literals::text(std::string_view bytes) const {
  if (find_bad_utf8(bytes)) fail("a text is not UTF-8");
  return bytes;
}

// Python 2's str is text or bytes; only checkpoints have a use for the bytes.
PickleValue Literals::python2_text(std::string_view bytes) const {
  if (may_hold_objects(source_.content) && find_bad_utf8(bytes)) return PickleBytes{bytes};
  return text(bytes);
}

std::string_view Literals::kept(std::optional<std::string> text) {
  if (!text) fail("a text holds an escape that is none, or lacks its quotes");
  return storage_.unescaped.emplace_back(std::move(*text));
}

}  // namespace glint::pickle
