#pragma once

#include <ATen/core/Generator.h>
#include <torch/types.h>

#include <cstdint>

namespace glint {

// A generator of its own for tensors of `device`: the same seed gives the same numbers there, on another kind of device
// others.
at::Generator seeded_generator(torch::Device device, std::uint64_t seed);

}  // namespace glint
