#include "glint/config/eval_bank.h"

#include <charconv>
#include <string_view>

#include "glint/core/error.h"

namespace glint {
namespace {

// The number behind the colon of "NAME:N"; none where there is no colon. Nothing where it is not that name.
struct BankPart {
  bool is_given = false;
  std::optional<std::int64_t> count;
};

BankPart bank_part(std::string_view word, std::string_view name, const std::string& whole) {
  if (!word.starts_with(name)) return {};
  word.remove_prefix(name.size());
  if (word.empty()) return {true, std::nullopt};
  if (word.front() != ':') return {};
  word.remove_prefix(1);
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), count);
  if (error != std::errc() || end != word.data() + word.size() || count < 1)
    throw Error("eval.bank is '", whole, "': behind ", name, ": stands no count");
  return {true, count};
}

}  // namespace

EvalBank parse_bank(const std::string& text) {
  if (text == "test_queries") return {};
  const auto comma = text.find(',');
  const auto captions = bank_part(text.substr(0, comma), "train_captions", text);
  const auto videos = comma == std::string::npos ? BankPart() : bank_part(text.substr(comma + 1), "train_videos", text);
  if (!captions.is_given || (comma != std::string::npos && !videos.is_given)) {
    throw Error("eval.bank is '", text,
                "'; it may be test_queries, train_captions:N or train_captions:N,train_videos:N (without :N all)");
  }
  return {false, captions.count, videos.count, !videos.is_given};
}

}  // namespace glint
