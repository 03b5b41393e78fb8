#include "data/json_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/gzip.h"

namespace glint {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxDepth = 16;                     // annotations nest four deep
constexpr std::size_t kTextLimit = std::size_t{1} << 30;  // bytes

// Builds the value from the parser's events, so that depth and keys are checked on the way.
class JsonBuilder : public nlohmann::json_sax<json> {
 public:
  bool null() override { return place(nullptr); }
  bool boolean(bool value) override { return place(value); }
  bool number_integer(number_integer_t value) override { return place(value); }
  bool number_unsigned(number_unsigned_t value) override { return place(value); }
  bool number_float(number_float_t value, const string_t&) override { return place(value); }
  bool string(string_t& value) override { return place(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    key_ = std::move(name);
    if (!open_.back().contains(key_)) return true;
    problem_ = concat("key '", key_.substr(0, 80), "' stands twice in one object");
    return false;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    position_ = position;
    problem_ = "is not JSON";
    return false;
  }

  json take() { return std::move(root_); }
  const std::string& problem() const { return problem_; }
  std::optional<std::size_t> position() const { return position_; }
  // Which entry of an array was being read; 0 where the value is no array.
  std::size_t entry() const { return !open_.empty() && open_[0].is_array() ? open_[0].size() + 1 : 0; }

 private:
  bool open(json value) {
    if (open_.size() >= kMaxDepth) {
      problem_ = "is nested too deeply";
      return false;
    }
    keys_.push_back(std::move(key_));
    open_.push_back(std::move(value));
    return true;
  }
  bool close() {
    json value = std::move(open_.back());
    open_.pop_back();
    key_ = std::move(keys_.back());
    keys_.pop_back();
    return place(std::move(value));
  }
  bool place(json value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().is_array()) {
      open_.back().push_back(std::move(value));
    } else {
      open_.back().emplace(key_, std::move(value));
    }
    return true;
  }

  json root_;
  std::vector<json> open_;         // objects and arrays that are not finished yet
  std::vector<std::string> keys_;  // under which each of them will stand
  std::string key_;
  std::string problem_;
  std::optional<std::size_t> position_;
};

}  // namespace

json parse_json(std::string_view text, const std::string& file, int64_t first_line) {
  JsonBuilder builder;
  if (json::sax_parse(text, &builder)) return builder.take();
  if (!builder.position() && builder.entry() != 0) {
    throw Error(file, ": entry ", builder.entry(), ": ", builder.problem());
  }
  const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(builder.position().value_or(0), text.size()));
  throw Error(file, ":", first_line + std::count(text.begin(), end, '\n'), ": ", builder.problem());
}

std::string& text_field(json& object, const char* name, const std::string& file, const char* entry,
                        std::size_t number) {
  const auto field = object.is_object() ? object.find(name) : object.end();
  if (field == object.end() || !field->is_string())
    throw Error(file, ": ", entry, " ", number, " has no text '", name, "'");
  return field->get_ref<std::string&>();
}

std::string read_text(const std::string& file) {
  std::string text = read_file(file, kTextLimit);
  if (text.rfind("\x1F\x8B", 0) == 0) text = gunzip(text, file, kTextLimit);
  if (text.rfind("\xEF\xBB\xBF", 0) == 0) text.erase(0, 3);
  return text;
}

}  // namespace glint
