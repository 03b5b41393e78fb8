#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace glint::fuzz {

using Input = std::vector<std::uint8_t>;

// Input number `run` made from the seeds (at least one): one of them, changed a few times over. It depends on the
// seeds, `seed` and `run` alone, on every machine.
Input mutated(const std::vector<Input>& seeds, std::uint64_t seed, std::uint64_t run);

}  // namespace glint::fuzz
