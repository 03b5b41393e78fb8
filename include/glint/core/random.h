#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace glint {

// A generator that gives the same numbers on every machine and compiler: splitmix64. Its start is made from any number
// of keys, so that what is drawn for (seed, epoch, index) depends on nothing else: not on workers, ranks or resume.
class Random {
 public:
  Random(std::initializer_list<std::uint64_t> keys);

  std::uint64_t next();                     // 64 random bits
  double uniform();                         // [0, 1), 53 bits
  double uniform(double low, double high);  // [low, high)
  std::uint64_t below(std::uint64_t n);     // 0 ... n-1 without bias; n > 0
  double normal();                          // mean 0, standard deviation 1 (Box-Muller)
  bool chance(double probability) { return uniform() < probability; }

  // 0 ... n-1 in random order (Fisher-Yates).
  std::vector<std::int64_t> permutation(std::int64_t n);

 private:
  std::uint64_t state_;
};

// One 64-bit key out of several, order matters.
std::uint64_t mix(std::initializer_list<std::uint64_t> keys);

}  // namespace glint
