#include "glint/nn/seeded_generator.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/torch.h>

namespace glint {

at::Generator seeded_generator(torch::Device device, std::uint64_t seed) {
  if (device.is_cpu()) return at::detail::createCPUGenerator(seed);
  auto generator = at::globalContext().getAcceleratorHooksInterface(device.type()).getNewGenerator(device.index());
  generator.set_current_seed(seed);
  return generator;
}

}  // namespace glint
