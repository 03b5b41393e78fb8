#include "fuzz/mutator.h"

#include <algorithm>
#include <iterator>

namespace glint::fuzz {
namespace {

constexpr std::size_t kMostBytes = 1 << 20;  // of a mutation: growth by copying must end
constexpr std::size_t kMostChanges = 8;

// Numbers that sizes and offsets go wrong at.
constexpr std::uint64_t kEdges[] = {
    0,          1,          0x7F,       0x80,       0xFF,       0x7FFF,           0x8000,     0xFFFF,
    0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1ull << 40, 1ull << 62, (1ull << 63) - 1, 1ull << 63, ~0ull};

// Distributions of the standard library differ from one library to the next; its generators do not.
class Dice {
 public:
  Dice(std::uint64_t seed, std::uint64_t run) : generator_(seed * 0x9E3779B97F4A7C15 + run) {}
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : generator_() % limit; }
  std::uint8_t byte() { return static_cast<std::uint8_t>(generator_()); }

 private:
  std::mt19937_64 generator_;
};

Input::iterator at(Input& input, std::size_t place) {
  return input.begin() + static_cast<std::ptrdiff_t>(place);
}

// A random stretch of `input`, mostly short.
Input piece(const Input& input, Dice& dice) {
  const auto start = dice.below(input.size());
  const auto limit = std::min(input.size() - start, dice.below(4) == 0 ? input.size() : std::size_t{16});
  const auto first = input.begin() + static_cast<std::ptrdiff_t>(start);
  return {first, first + static_cast<std::ptrdiff_t>(dice.below(limit + 1))};
}

void insert(Input& input, const Input& added, Dice& dice) {
  if (input.size() + added.size() > kMostBytes) return;
  input.insert(at(input, dice.below(input.size() + 1)), added.begin(), added.end());
}

void write_edge(Input& input, Dice& dice) {
  const auto value = kEdges[dice.below(std::size(kEdges))];
  const auto size = std::min(input.size(), std::size_t{1} << dice.below(4));
  const auto place = dice.below(input.size() - size + 1);
  const bool big_endian = dice.below(2) == 1;
  for (std::size_t i = 0; i < size; ++i)
    input[place + i] = static_cast<std::uint8_t>(value >> (8 * (big_endian ? size - 1 - i : i)));
}

void write_digits(Input& input, Dice& dice) {
  const auto digits = std::to_string(kEdges[dice.below(std::size(kEdges))]);
  auto place =
      std::find_if(at(input, dice.below(input.size())), input.end(), [](auto c) { return c >= '0' && c <= '9'; });
  const auto end = std::find_if(place, input.end(), [](auto c) { return c < '0' || c > '9'; });
  place = input.erase(place, end);
  input.insert(place, digits.begin(), digits.end());
}

void change(Input& input, const std::vector<Input>& seeds, Dice& dice) {
  if (input.empty()) return insert(input, piece(seeds[dice.below(seeds.size())], dice), dice);
  switch (dice.below(10)) {
    case 0:
      input[dice.below(input.size())] ^= static_cast<std::uint8_t>(1 << dice.below(8));
      return;
    case 1:
      input[dice.below(input.size())] = dice.byte();
      return;
    case 2:
      return write_edge(input, dice);
    case 3:
      return write_digits(input, dice);
    case 4:
      return insert(input, Input(1 + dice.below(8), dice.byte()), dice);
    case 5:
      return insert(input, piece(input, dice), dice);
    case 6:
      return insert(input, piece(seeds[dice.below(seeds.size())], dice), dice);
    case 7:
      input.resize(dice.below(input.size()));
      return;
    default: {
      const auto start = dice.below(input.size());
      const auto end = start + dice.below(std::min(input.size() - start, std::size_t{16}) + 1);
      input.erase(at(input, start), at(input, end));
      return;
    }
  }
}

}  // namespace

Input mutated(const std::vector<Input>& seeds, std::uint64_t seed, std::uint64_t run) {
  Dice dice(seed, run);
  Input input = seeds[dice.below(seeds.size())];
  for (auto changes = 1 + dice.below(kMostChanges); changes > 0; --changes) change(input, seeds, dice);
  return input;
}

}  // namespace glint::fuzz
