#include "glint/core/random.h"

#include <cmath>
#include <numbers>
#include <numeric>

#include "glint/core/error.h"

namespace glint {
namespace {

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15ULL;

std::uint64_t scramble(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

}  // namespace

std::uint64_t mix(std::initializer_list<std::uint64_t> keys) {
  std::uint64_t state = 0;
  for (const auto key : keys) state = scramble(state + kGolden + scramble(key + kGolden));
  return state;
}

Random::Random(std::initializer_list<std::uint64_t> keys) : state_(mix(keys)) {}

std::uint64_t Random::next() {
  return scramble(state_ += kGolden);
}

double Random::uniform() {
  return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

double Random::uniform(double low, double high) {
  return low + (high - low) * uniform();
}

std::uint64_t Random::below(std::uint64_t n) {
  GLINT_CHECK(n > 0, "below(0)");
  const std::uint64_t limit = n * (UINT64_MAX / n);  // draws at or above it would favour small results
  std::uint64_t draw = next();
  while (draw >= limit) draw = next();
  return draw % n;
}

double Random::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

std::vector<std::int64_t> Random::permutation(std::int64_t n) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[below(i)]);
  return order;
}

}  // namespace glint
