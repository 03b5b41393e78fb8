#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "io/pickle_storage.h"

namespace glint::pickle {

// The bytes of a pickle, opcode after opcode, and the values that stand in the opcodes themselves: numbers and texts.
class Literals {
 public:
  Literals(const Source& source, PickleStorage& storage) : source_(source), storage_(storage) {}

  unsigned char next_opcode();
  // The value of an opcode that holds one; none where it is another opcode.
  std::optional<PickleValue> value(unsigned char opcode);

  std::string_view take(std::uint64_t size);
  std::uint64_t little_endian(std::size_t size);
  std::string_view line();
  template <class Number>
  Number number(std::string_view text) const;
  std::string_view text(std::string_view bytes) const;  // Error where it is not UTF-8

  std::size_t at() const { return at_; }
  std::size_t left() const { return source_.bytes.size() - at_; }
  // Error that names the file and the place of the opcode.
  [[noreturn]] void fail(const std::string& what) const;

 private:
  std::optional<PickleValue> number_of(unsigned char opcode);
  std::optional<PickleValue> text_of(unsigned char opcode);
  PickleValue integer_line();
  std::int64_t long_line();
  std::int64_t long_integer(std::uint64_t size);
  double big_endian_float();
  PickleValue python2_text(std::string_view bytes) const;
  std::string_view kept(std::optional<std::string> text);

  const Source& source_;
  PickleStorage& storage_;
  std::size_t at_ = 0;
  std::size_t opcode_at_ = 0;
};

}  // namespace glint::pickle
