#include <algorithm>
#include <optional>

#include "glint/core/error.h"
#include "io/pickle_literals.h"
#include "io/pickle_opcodes.h"
#include "io/pickle_policy.h"
#include "io/pickle_storage.h"

// Python's stack machine, with records in the place of what makes pickles dangerous. Each opcode costs time and memory
// in proportion to the bytes it stands for.

namespace glint::pickle {
namespace {

constexpr std::uint64_t kMaxProtocol = 5;
constexpr std::size_t kMaxName = 1000;  // bytes, of a class

class Machine {
 public:
  Machine(const Source& source, PickleStorage& storage)
      : content_(source.content), literals_(source, storage), storage_(storage) {}

  // -> the bytes that the pickle takes
  std::size_t run() {
    while (!stopped_) {
      const auto code = literals_.next_opcode();
      if (const auto value = literals_.value(code)) {
        push(*value);
      } else if (!run_container(code) && !run_object(code) && !run_memo(code) && !run_control(code)) {
        refuse(code);
      }
      if (stack_.size() > kMaxValues) literals_.fail("the file makes more values than any that is meant to be read");
    }
    if (stack_.size() != 1 || !marks_.empty()) literals_.fail("the pickle ends with values left over");
    storage_.value = stack_.back();
    return literals_.at();
  }

 private:
  [[noreturn]] void refuse(unsigned char code) const {
    const auto name = refused_name(code);
    if (name.empty()) literals_.fail(concat("is no pickle: there is no opcode ", static_cast<int>(code)));
    const char* read = may_hold_objects(content_) ? "tensors and plain data are" : "only plain data is";
    literals_.fail(concat("opcode ", name, " is refused: ", read, " read (dict, list, tuple, str, bytes, numbers)"));
  }

  // --- the stack; what lies below the last mark is out of reach

  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  const PickleValue& top() const {
    if (stack_.size() <= floor()) literals_.fail("the opcode wants a value, and there is none");
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
    if (marks_.empty()) literals_.fail("the opcode wants a mark, and there is none");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<PickleValue> values(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return values;
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
    if (stack_.size() - floor() < size) literals_.fail("the opcode wants a value, and there is none");
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
      literals_.fail(concat("the opcode wants a ", type, ", and there is one of type ", pickle_type(top())));
    return const_cast<Container&>(**container);
  }
  void append(const std::vector<PickleValue>& values) {
    auto& items = open_container<PickleList>("list").items;
    items.insert(items.end(), values.begin(), values.end());
  }
  std::vector<std::pair<PickleValue, PickleValue>>& open_items() {
    const auto* object = std::get_if<const PickleObject*>(&top());
    if (object == nullptr) return open_container<PickleDict>("dict").items;
    if ((*object)->kind != PickleObject::Kind::kCall || !is_dict_class((*object)->name))
      literals_.fail(concat("the pickle sets items of ", (*object)->name, ", which is no dict"));
    return const_cast<PickleObject&>(**object).items;
  }
  void set_items(const std::vector<PickleValue>& values) {
    auto& items = open_items();
    if (values.size() % 2 != 0) literals_.fail("a key has no value");
    for (std::size_t i = 0; i < values.size(); i += 2) {
      if (std::holds_alternative<const PickleList*>(values[i]) ||
          std::holds_alternative<const PickleDict*>(values[i])) {
        literals_.fail(concat("a ", pickle_type(values[i]), " cannot be a key"));
      }
      items.emplace_back(values[i], values[i + 1]);
    }
  }

  // --- objects: what Python would import, call and build is written down (pickle_policy.h)

  bool run_object(unsigned char code) {
    if (!may_hold_objects(content_)) return false;
    switch (code) {
      case kGlobal: {
        const auto module = literals_.text(literals_.line());
        push_name(module, literals_.text(literals_.line()));
        return true;
      }
      case kStackGlobal: {
        const auto name = pop(), module = pop();
        push_name(text_of(module), text_of(name));
        return true;
      }
      case kReduce:
      case kNewObj: {
        const auto arguments = pop(), callee = pop();
        push_call(callee, arguments);
        return true;
      }
      case kInst: {
        const auto module = literals_.text(literals_.line());
        push_name(module, literals_.text(literals_.line()));
        const auto callee = pop();
        push_call(callee, &storage_.tuples.emplace_back(PickleTuple{pop_to_mark()}));
        return true;
      }
      case kObj: {
        auto values = pop_to_mark();
        if (values.empty()) literals_.fail("the opcode wants a value, and there is none");
        const auto callee = values.front();
        values.erase(values.begin());
        push_call(callee, &storage_.tuples.emplace_back(PickleTuple{std::move(values)}));
        return true;
      }
      case kBuild:
        set_state(pop());
        return true;
      case kBinPersId:
        push_object({PickleObject::Kind::kPersistent, {}, pop(), {}, {}});
        return true;
      default:
        return false;
    }
  }

  std::string_view text_of(const PickleValue& value) const {
    const auto* text = std::get_if<std::string_view>(&value);
    if (text == nullptr) literals_.fail(concat("a name is of type ", pickle_type(value)));
    return *text;
  }
  void push_object(PickleObject object) {
    if (storage_.objects.size() >= kMaxObjects) literals_.fail("the file makes more objects than any checkpoint");
    push(&storage_.objects.emplace_back(std::move(object)));
  }
  void push_name(std::string_view module, std::string_view name) {
    auto full = concat(module, '.', name);
    const auto is_odd = [](unsigned char letter) { return letter <= ' ' || letter == 0x7F; };
    if (full.size() > kMaxName || std::any_of(full.begin(), full.end(), is_odd))
      literals_.fail("what should be the name of a class is none");
    push_object({PickleObject::Kind::kName, std::move(full), {}, {}, {}});
  }
  // The name of what is called; none where it is no name. The legacy format keeps the classes of whole models outside
  // the pickle, as ("module", class, its source).
  static const PickleObject* named_callee(const PickleValue& callee) {
    const auto* object = std::get_if<const PickleObject*>(&callee);
    if (object == nullptr) return nullptr;
    if ((*object)->kind == PickleObject::Kind::kName) return *object;
    const auto* parts = std::get_if<const PickleTuple*>(&(*object)->arguments);
    const bool is_outside = (*object)->kind == PickleObject::Kind::kPersistent && parts != nullptr;
    if (!is_outside || (*parts)->items.size() < 2) return nullptr;
    const auto* model = std::get_if<const PickleObject*>(&(*parts)->items[1]);
    return model != nullptr && (*model)->kind == PickleObject::Kind::kName ? *model : nullptr;
  }
  void push_call(const PickleValue& callee, const PickleValue& arguments) {
    const PickleObject* named = named_callee(callee);
    if (named == nullptr)
      literals_.fail(concat("the pickle calls a value of type ", pickle_type(callee), ", which is refused"));
    const std::string& name = named->name;
    if (!may_call(content_, name)) {
      literals_.fail(concat("the pickle calls ", name,
                            ", which is refused: tensors and plain data are read, as in a model's state_dict()"));
    }
    if (!std::holds_alternative<const PickleTuple*>(arguments))
      literals_.fail(concat("the pickle calls ", name, " with a value of type ", pickle_type(arguments)));
    push_object({PickleObject::Kind::kCall, name, arguments, {}, {}});
  }
  void set_state(const PickleValue& state) {
    const auto* object = std::get_if<const PickleObject*>(&top());
    if (object == nullptr || (*object)->kind != PickleObject::Kind::kCall)
      literals_.fail(concat("the pickle gives attributes to a value of type ", pickle_type(top())));
    const_cast<PickleObject&>(**object).state = state;
  }

  // --- values seen before

  bool run_memo(unsigned char code) {
    switch (code) {
      case kPut:
        put(literals_.number<std::uint64_t>(literals_.line()));
        return true;
      case kBinPut:
        put(literals_.little_endian(1));
        return true;
      case kLongBinPut:
        put(literals_.little_endian(4));
        return true;
      case kMemoize:
        put(memo_size_);
        return true;
      case kGet:
        get(literals_.number<std::uint64_t>(literals_.line()));
        return true;
      case kBinGet:
        get(literals_.little_endian(1));
        return true;
      case kLongBinGet:
        get(literals_.little_endian(4));
        return true;
      default:
        return false;
    }
  }

  void put(std::uint64_t index) {
    const PickleValue& value = top();
    if (index >= literals_.at() || index >= kMaxValues)
      literals_.fail(concat("memo ", index, " is more than the file so far can have filled"));
    if (index >= memo_.size()) memo_.resize(index + 1);
    if (!memo_[index]) ++memo_size_;
    memo_[index] = value;
  }
  void get(std::uint64_t index) {
    if (index >= memo_.size() || !memo_[index]) literals_.fail(concat("memo ", index, " was never filled"));
    push(*memo_[index]);
  }

  // --- the rest

  bool run_control(unsigned char code) {
    switch (code) {
      case kProto:
        if (const auto version = literals_.little_endian(1); version > kMaxProtocol) {
          literals_.fail(concat("is of protocol ", version, ", newer than ", kMaxProtocol));
        }
        return true;
      case kFrame:
        if (literals_.little_endian(8) > literals_.left()) literals_.fail("the pickle is cut short");
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

  const PickleContent content_;
  Literals literals_;
  PickleStorage& storage_;
  bool stopped_ = false;
  std::vector<PickleValue> stack_;
  std::vector<std::size_t> marks_;  // heights of the stack
  std::vector<std::optional<PickleValue>> memo_;
  std::uint64_t memo_size_ = 0;  // places of it that are filled
};

}  // namespace

std::size_t read(const Source& source, PickleStorage& storage) {
  const std::size_t size = Machine(source, storage).run();
  if (source.is_alone && size != source.bytes.size())
    throw Error(source.file, ": byte ", source.offset + size, ": bytes follow the end of the pickle");
  check_size(storage.value, source.file);
  return size;
}

}  // namespace glint::pickle
