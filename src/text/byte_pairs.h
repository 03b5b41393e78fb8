#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace glint {

// The first `num_merges` lines "left right" of a merges file, behind its header line.
std::vector<std::string_view> merge_lines(std::string_view merges, int num_merges);

// Every piece in the order of the ids: 256 bytes, 256 bytes at a word's end, what the merges give.
std::vector<std::string> byte_pair_pieces(const std::vector<std::string_view>& merge_lines);

// Byte-pair encoding as CLIP uses it: a word's bytes are its first symbols, the last one marked as the word's end; the
// pair of neighbours that was learnt first is merged, everywhere in the word, until no known pair is left.
class BytePairs {
 public:
  // `merges`: text with a header line, then one merge "left right" a line, in the order learnt. The first `num_merges`
  // count.
  BytePairs(std::string_view merges, int num_merges);

  // 256 bytes, 256 bytes at a word's end, the merges.
  int64_t size() const { return size_; }
  // Appends the ids of one word (any bytes). Time: n log n in its length.
  void encode(std::string_view word, std::vector<int64_t>& ids) const;

 private:
  struct Merge {
    int32_t rank;
    int32_t id;
  };

  std::array<int32_t, 256> byte_ids_;
  std::unordered_map<uint64_t, Merge> merges_;  // left id, right id
  int64_t size_;
};

}  // namespace glint
