#pragma once

#include <cstdint>

namespace glint {

// P(Bin(n, p) = k), 0 < p < 1.
double binomial_chance(std::int64_t n, std::int64_t k, double p);

// P(Bin(n, p) <= m): the smaller tail, summed from its largest term on.
double binomial_tail(std::int64_t n, std::int64_t m, double p);

}  // namespace glint
