#include "text/byte_pairs.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <string>
#include <tuple>

#include "glint/core/error.h"

namespace glint {
namespace {

constexpr int32_t kNumBytes = 256;
constexpr int32_t kNone = -1;
constexpr const char* kEndOfWord = "</w>";

uint64_t pair_key(int32_t left, int32_t right) {
  return (static_cast<uint64_t>(left) << 32) | static_cast<uint32_t>(right);
}

// The bytes in the order of their ids: those with a printable Latin-1 character first (GPT-2's order).
std::vector<int> bytes_by_id() {
  const auto is_printable = [](int byte) { return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD); };
  std::vector<int> bytes;
  for (int byte = 0; byte < kNumBytes; ++byte) bytes.push_back(byte);
  std::stable_partition(bytes.begin(), bytes.end(), is_printable);
  return bytes;
}

// How the merges file writes a byte: a printable one as its Latin-1 character, the others as U+0100 and up, in UTF-8.
std::string written(int byte, int id) {
  const int num_printable = 188;
  const int point = id < num_printable ? byte : 0x100 + id - num_printable;
  if (point < 0x80) return std::string(1, static_cast<char>(point));
  return {static_cast<char>(0xC0 | (point >> 6)), static_cast<char>(0x80 | (point & 0x3F))};
}

std::string_view next_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

// A pair of neighbours that may be merged. It is stale where the symbols have changed since.
struct Candidate {
  int32_t rank;
  int32_t at;  // of the left one
  int32_t left;
  int32_t right;
  bool operator>(const Candidate& other) const { return std::tie(rank, at) > std::tie(other.rank, other.at); }
};

struct Symbol {
  int32_t id;  // kNone: taken up by the symbol to its left
  int32_t previous;
  int32_t next;
};

}  // namespace

std::vector<std::string_view> merge_lines(std::string_view merges, int num_merges) {
  std::vector<std::string_view> lines;
  next_line(merges);  // the header
  for (int rank = 0; rank < num_merges; ++rank) {
    lines.push_back(next_line(merges));
    GLINT_CHECK(lines.back().find(' ') != std::string_view::npos, "merge ", rank, " is '", lines.back(), "'");
  }
  return lines;
}

std::vector<std::string> byte_pair_pieces(const std::vector<std::string_view>& merge_lines) {
  std::vector<std::string> pieces;
  const auto bytes = bytes_by_id();
  for (const auto* end : {"", kEndOfWord}) {
    for (int32_t id = 0; id < kNumBytes; ++id) pieces.push_back(written(bytes[static_cast<std::size_t>(id)], id) + end);
  }
  for (const auto line : merge_lines) {
    const auto space = line.find(' ');
    pieces.push_back(std::string(line.substr(0, space)) + std::string(line.substr(space + 1)));
  }
  return pieces;
}

BytePairs::BytePairs(std::string_view merges, int num_merges) : size_(2 * kNumBytes + num_merges) {
  const auto bytes = bytes_by_id();
  for (int32_t id = 0; id < kNumBytes; ++id) {
    byte_ids_[static_cast<std::size_t>(bytes[static_cast<std::size_t>(id)])] = id;
  }
  const auto lines = merge_lines(merges, num_merges);
  std::unordered_map<std::string, int32_t> ids;
  ids.reserve(static_cast<std::size_t>(size_));
  int32_t next = 0;
  for (auto& piece : byte_pair_pieces(lines)) ids[std::move(piece)] = next++;
  merges_.reserve(lines.size());
  for (int32_t rank = 0; rank < num_merges; ++rank) {
    const auto line = lines[static_cast<std::size_t>(rank)];
    const auto space = line.find(' ');
    const std::string left(line.substr(0, space)), right(line.substr(space + 1));
    merges_[pair_key(ids.at(left), ids.at(right))] = {rank, ids.at(left + right)};
  }
}

void BytePairs::encode(std::string_view word, std::vector<int64_t>& out) const {
  if (word.empty()) return;
  const auto size = static_cast<int32_t>(word.size());
  std::vector<Symbol> symbols;
  symbols.reserve(word.size());
  for (int32_t at = 0; at < size; ++at) {
    const auto byte = static_cast<unsigned char>(word[static_cast<std::size_t>(at)]);
    symbols.push_back({byte_ids_[byte], at - 1, at + 1 < size ? at + 1 : kNone});
  }
  symbols.back().id += kNumBytes;

  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto consider = [&](int32_t at) {
    if (at == kNone || symbols[at].next == kNone) return;
    const auto left = symbols[at].id, right = symbols[symbols[at].next].id;
    const auto merge = merges_.find(pair_key(left, right));
    if (merge != merges_.end()) queue.push({merge->second.rank, at, left, right});
  };
  for (int32_t at = 0; at < size; ++at) consider(at);

  std::vector<int32_t> merged;
  while (!queue.empty()) {
    // One pair everywhere in the word, left to right; only then are the new neighbours looked at.
    const auto rank = queue.top().rank;
    merged.clear();
    for (; !queue.empty() && queue.top().rank == rank; queue.pop()) {
      const auto& pair = queue.top();
      auto& symbol = symbols[pair.at];
      if (symbol.id != pair.left || symbol.next == kNone || symbols[symbol.next].id != pair.right) continue;
      auto& taken = symbols[symbol.next];
      symbol.id = merges_.at(pair_key(pair.left, pair.right)).id;
      symbol.next = taken.next;
      if (taken.next != kNone) symbols[taken.next].previous = pair.at;
      taken.id = kNone;
      merged.push_back(pair.at);
    }
    for (const auto at : merged) {
      if (symbols[at].id == kNone) continue;
      consider(symbols[at].previous);
      consider(at);
    }
  }
  for (int32_t at = 0; at != kNone; at = symbols[at].next) out.push_back(symbols[at].id);
}

}  // namespace glint
