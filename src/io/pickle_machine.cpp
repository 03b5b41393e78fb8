#include <bit>
#include <charconv>
#include <optional>

#include "glint/core/error.h"
#include "glint/core/utf8.h"
#include "io/pickle_opcodes.h"
#include "io/pickle_storage.h"
#include "io/pickle_text.h"

// Python's stack machine without the opcodes that make pickles dangerous. Each opcode costs time and memory in
// proportion to the bytes it stands for.

namespace glint::pickle {
namespace {

constexpr std::uint64_t kMaxProtocol = 5;

class Machine {
 public:
  Machine(PickleStorage& storage, const std::string& file) : storage_(storage), file_(file), bytes_(storage.bytes) {}

  void run() {
    while (!stopped_) {
      opcode_at_ = at_;
      const auto code = static_cast<unsigned char>(take(1)[0]);
      auto value = number(code);
      if (!value) value = text_value(code);
      if (value) {
        push(*value);
      } else if (!run_container(code) && !run_memo(code) && !run_control(code)) {
        refuse(code);
      }
      if (stack_.size() > kMaxValues) fail("the file makes more values than any annotation");
    }
    if (at_ != bytes_.size()) fail("bytes follow the end of the pickle");
    if (stack_.size() != 1 || !marks_.empty()) fail("the pickle ends with values left over");
    storage_.value = stack_.back();
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(file_, ": byte ", opcode_at_, ": ", what); }

  [[noreturn]] void refuse(unsigned char code) const {
    const auto name = refused_name(code);
    if (name.empty()) fail(concat("is no pickle: there is no opcode ", static_cast<int>(code)));
    fail(concat("opcode ", name, " is refused: only plain data (dict, list, tuple, str, bytes, numbers) is read"));
  }

  // --- bytes of the file

  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size() - at_) fail("the pickle is cut short");
    const auto taken = bytes_.substr(at_, size);
    at_ += size;
    return taken;
  }
  std::uint64_t little_endian(std::size_t size) {
    std::uint64_t number = 0;
    const auto bytes = take(size);
    for (std::size_t i = size; i-- > 0;) number = number << 8 | static_cast<unsigned char>(bytes[i]);
    return number;
  }
  std::string_view line() {
    const auto end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) fail("the pickle is cut short");
    const auto text = bytes_.substr(at_, end - at_);
    at_ = end + 1;
    return text;
  }

  // --- the stack; what lies below the last mark is out of reach

  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  const PickleValue& top() const {
    if (stack_.size() <= floor()) fail("the opcode wants a value, and there is none");
    return stack_.back();
  }
  PickleValue pop() {
    PickleValue value = top();
    stack_.pop_back();
    return value;
  }
  void push(PickleValue value) { stack_.push_back(value); }
  // The values above the last mark; takes them and the mark away.
  std::vector<PickleValue> pop_to_mark() {
    if (marks_.empty()) fail("the opcode wants a mark, and there is none");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<PickleValue> values(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return values;
  }

  // --- numbers

  std::optional<PickleValue> number(unsigned char code) {
    switch (code) {
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
        return parsed<double>(line());
      default:
        return std::nullopt;
    }
  }

  template <class Number>
  Number parsed(std::string_view text) {
    Number number{};
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem == std::errc::result_out_of_range) fail("a number has more than 64 bits");
    if (problem != std::errc() || rest != text.data() + text.size()) fail("what should be a number is none");
    return number;
  }
  PickleValue integer_line() {
    const auto text = line();
    if (text == "00" || text == "01") return text == "01";
    return parsed<std::int64_t>(text);
  }
  std::int64_t long_line() {
    auto text = line();
    if (text.ends_with('L')) text.remove_suffix(1);
    return parsed<std::int64_t>(text);
  }
  // Two's complement of any length.
  std::int64_t long_integer(std::uint64_t size) {
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
  double big_endian_float() {
    std::uint64_t bits = 0;
    for (const char byte : take(8)) bits = bits << 8 | static_cast<unsigned char>(byte);
    return std::bit_cast<double>(bits);
  }

  // --- text and bytes

  std::optional<PickleValue> text_value(unsigned char code) {
    switch (code) {
      case kBinUnicode:
        return text(take(little_endian(4)));
      case kShortBinUnicode:
        return text(take(little_endian(1)));
      case kBinUnicode8:
        return text(take(little_endian(8)));
      case kBinString:
        return text(take(little_endian(4)));  // Python 2's str
      case kShortBinString:
        return text(take(little_endian(1)));
      case kString:
        return text(kept(unquoted(line())));
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

  std::string_view text(std::string_view text) const {
    if (find_bad_utf8(text)) fail("a text is not UTF-8");
    return text;
  }
  std::string_view kept(std::optional<std::string> text) {
    if (!text) fail("a text holds an escape that is none, or lacks its quotes");
    return storage_.unescaped.emplace_back(std::move(*text));
  }

  // --- lists, tuples, dicts

  bool run_container(unsigned char code) {
    switch (code) {
      case kEmptyList:
        push(&storage_.lists.emplace_back());
        return true;
      case kEmptyTuple:
        push(&storage_.tuples.emplace_back());
        return true;
      case kEmptyDict:
        push(&storage_.dicts.emplace_back());
        return true;
      case kList:
        push(&storage_.lists.emplace_back(PickleList{pop_to_mark()}));
        return true;
      case kTuple:
        push(&storage_.tuples.emplace_back(PickleTuple{pop_to_mark()}));
        return true;
      case kTuple1:
        push_tuple(1);
        return true;
      case kTuple2:
        push_tuple(2);
        return true;
      case kTuple3:
        push_tuple(3);
        return true;
      case kDict: {
        const auto values = pop_to_mark();
        push(&storage_.dicts.emplace_back());
        set_items(values);
        return true;
      }
      case kAppend:
        append({pop()});
        return true;
      case kAppends:
        append(pop_to_mark());
        return true;
      case kSetItem: {
        const auto value = pop();
        set_items({pop(), value});
        return true;
      }
      case kSetItems:
        set_items(pop_to_mark());
        return true;
      default:
        return false;
    }
  }

  void push_tuple(std::size_t size) {
    if (stack_.size() - floor() < size) fail("the opcode wants a value, and there is none");
    const auto first = stack_.end() - static_cast<std::ptrdiff_t>(size);
    auto& tuple = storage_.tuples.emplace_back(PickleTuple{{first, stack_.end()}});
    stack_.erase(first, stack_.end());
    push(&tuple);
  }

  // The container on top of the stack, which is still being filled: all of them are the storage's own.
  template <class Container>
  Container& open_container(const char* type) {
    const auto* container = std::get_if<const Container*>(&top());
    if (container == nullptr)
      fail(concat("the opcode wants a ", type, ", and there is one of type ", pickle_type(top())));
    return const_cast<Container&>(**container);
  }
  void append(const std::vector<PickleValue>& values) {
    auto& items = open_container<PickleList>("list").items;
    items.insert(items.end(), values.begin(), values.end());
  }
  void set_items(const std::vector<PickleValue>& values) {
    auto& items = open_container<PickleDict>("dict").items;
    if (values.size() % 2 != 0) fail("a key has no value");
    for (std::size_t i = 0; i < values.size(); i += 2) {
      if (std::holds_alternative<const PickleList*>(values[i]) ||
          std::holds_alternative<const PickleDict*>(values[i])) {
        fail(concat("a ", pickle_type(values[i]), " cannot be a key"));
      }
      items.emplace_back(values[i], values[i + 1]);
    }
  }

  // --- values seen before

  bool run_memo(unsigned char code) {
    switch (code) {
      case kPut:
        put(parsed<std::uint64_t>(line()));
        return true;
      case kBinPut:
        put(little_endian(1));
        return true;
      case kLongBinPut:
        put(little_endian(4));
        return true;
      case kMemoize:
        put(memo_size_);
        return true;
      case kGet:
        get(parsed<std::uint64_t>(line()));
        return true;
      case kBinGet:
        get(little_endian(1));
        return true;
      case kLongBinGet:
        get(little_endian(4));
        return true;
      default:
        return false;
    }
  }

  void put(std::uint64_t index) {
    const PickleValue& value = top();
    if (index >= at_ || index >= kMaxValues)
      fail(concat("memo ", index, " is more than the file so far can have filled"));
    if (index >= memo_.size()) memo_.resize(index + 1);
    if (!memo_[index]) ++memo_size_;
    memo_[index] = value;
  }
  void get(std::uint64_t index) {
    if (index >= memo_.size() || !memo_[index]) fail(concat("memo ", index, " was never filled"));
    push(*memo_[index]);
  }

  // --- the rest

  bool run_control(unsigned char code) {
    switch (code) {
      case kProto:
        if (const auto version = little_endian(1); version > kMaxProtocol) {
          fail(concat("is of protocol ", version, ", newer than ", kMaxProtocol));
        }
        return true;
      case kFrame:
        if (little_endian(8) > bytes_.size() - at_) fail("the pickle is cut short");
        return true;
      case kMark:
        marks_.push_back(stack_.size());
        return true;
      case kPop:
        if (!marks_.empty() && marks_.back() == stack_.size())
          marks_.pop_back();
        else
          pop();
        return true;
      case kPopMark:
        pop_to_mark();
        return true;
      case kDup:
        push(top());
        return true;
      case kStop:
        stopped_ = true;
        return true;
      default:
        return false;
    }
  }

  PickleStorage& storage_;
  const std::string& file_;
  const std::string_view bytes_;
  std::size_t at_ = 0;
  std::size_t opcode_at_ = 0;
  bool stopped_ = false;
  std::vector<PickleValue> stack_;
  std::vector<std::size_t> marks_;  // heights of the stack
  std::vector<std::optional<PickleValue>> memo_;
  std::uint64_t memo_size_ = 0;  // places of it that are filled
};

}  // namespace

void run_opcodes(PickleStorage& storage, const std::string& file) {
  Machine(storage, file).run();
}

}  // namespace glint::pickle
