#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include "glint/device/device.h"

namespace glint::test {

inline torch::Device gpu() {
  return choose_device("cuda");
}

// What needs a GPU begins with it.
#define GLINT_NEEDS_GPU() \
  if (find_gpus().gpus.empty()) GTEST_SKIP() << "no GPU: " << find_gpus().problem

}  // namespace glint::test
