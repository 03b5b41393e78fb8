#include <gtest/gtest.h>

#include "glint/device/device.h"

namespace glint::test {
namespace {

// GPUs are looked for before anything else asks LibTorch about them.
class LookForGpus : public testing::Environment {
  void SetUp() override { find_gpus(); }
};

const auto* const kLookForGpus = testing::AddGlobalTestEnvironment(new LookForGpus);  // gtest deletes it

}  // namespace
}  // namespace glint::test
