#include "text/byte_pairs.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace glint {
namespace {

using Ids = std::vector<int64_t>;

Ids encode(const BytePairs& pairs, std::string_view word) {
  Ids ids;
  pairs.encode(word, ids);
  return ids;
}

TEST(BytePairsTest, BytesComeFirstThenEndingBytesThenMerges) {
  const BytePairs pairs("header\na b\nab c</w>\n", 2);
  EXPECT_EQ(pairs.size(), 514);
  EXPECT_EQ(encode(pairs, "!"), Ids({256}));
  EXPECT_EQ(encode(pairs, "!!"), Ids({0, 256}));
  EXPECT_EQ(encode(pairs, std::string(1, '\0')), Ids({256 + 188}));  // the first byte without a printable character
  EXPECT_EQ(encode(pairs, "ab"), Ids({64, 256 + 65}));               // the b ends the word: another symbol
  EXPECT_EQ(encode(pairs, "abx"), Ids({512, 256 + 87}));
  EXPECT_EQ(encode(pairs, "abc"), Ids({513}));
  EXPECT_EQ(encode(pairs, ""), Ids());
}

TEST(BytePairsTest, EarlierMergesWinAndOverlapsGoLeftToRight) {
  const BytePairs pairs("header\nb c\na b\na a\naa aa\n", 4);
  EXPECT_EQ(encode(pairs, "abcx"), Ids({64, 512, 256 + 87}));  // b c before a b
  EXPECT_EQ(encode(pairs, "aaax"), Ids({514, 64, 256 + 87}));
  EXPECT_EQ(encode(pairs, "aaaax"), Ids({515, 256 + 87}));
}

// The published loop, literally: the best pair of the word, merged in one pass; again until there is none.
std::vector<std::string> literal(std::vector<std::string> word,
                                 const std::map<std::pair<std::string, std::string>, int>& ranks) {
  while (true) {
    auto best = ranks.end();
    for (std::size_t i = 0; i + 1 < word.size(); ++i) {
      const auto found = ranks.find({word[i], word[i + 1]});
      if (found != ranks.end() && (best == ranks.end() || found->second < best->second)) best = found;
    }
    if (best == ranks.end()) return word;
    std::vector<std::string> merged;
    for (std::size_t i = 0; i < word.size(); ++i) {
      const bool fits = i + 1 < word.size() && word[i] == best->first.first && word[i + 1] == best->first.second;
      merged.push_back(fits ? word[i] + word[i + 1] : word[i]);
      if (fits) ++i;
    }
    word = merged;
  }
}

TEST(BytePairsTest, RandomMergesGiveWhatTheLiteralLoopGives) {
  std::mt19937 random(3);
  for (int vocabulary = 0; vocabulary < 20; ++vocabulary) {
    std::vector<std::string> symbols = {"a", "b", "c", "a</w>", "b</w>", "c</w>"};
    std::map<std::pair<std::string, std::string>, int> ranks;
    std::map<std::string, int64_t> ids;
    for (int byte = 0; byte < 3; ++byte) {
      ids[symbols[static_cast<std::size_t>(byte)]] = 64 + byte;
      ids[symbols[static_cast<std::size_t>(byte) + 3]] = 256 + 64 + byte;
    }
    std::string text = "header\n";
    while (ranks.size() < 25) {
      const auto left = symbols[random() % symbols.size()], right = symbols[random() % symbols.size()];
      if (left.ends_with('>') || !ranks.emplace(std::pair(left, right), static_cast<int>(ranks.size())).second)
        continue;
      text += left + " " + right + "\n";
      ids[left + right] = 512 + static_cast<int64_t>(ranks.size()) - 1;  // of two ways to one symbol the last names it
      symbols.push_back(left + right);
    }
    const BytePairs pairs(text, 25);
    for (int round = 0; round < 100; ++round) {
      std::string word;
      for (unsigned rest = 1 + random() % 40; rest > 0; --rest) word += "abc"[random() % 3];
      std::vector<std::string> start;
      for (const char c : word) start.emplace_back(1, c);
      start.back() += "</w>";
      Ids expected;
      for (const auto& symbol : literal(start, ranks)) expected.push_back(ids.at(symbol));
      EXPECT_EQ(encode(pairs, word), expected) << word << "\n" << text;
    }
  }
}

}  // namespace
}  // namespace glint
