#pragma once

#include <torch/types.h>

#include <string>

namespace glint {

// While it lives, this thread's matrix products on `device` run in `type` (kFloat32: as they are); what is sensitive to
// it (norms, softmaxes, losses) stays in float32, as LibTorch's lists say.
class Autocast {
 public:
  Autocast(torch::DeviceType device, torch::ScalarType type);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  torch::DeviceType device_;
  bool was_enabled_;
  torch::ScalarType was_;
};

// "fp32", "bf16", "fp16": train.precision, eval.precision.
torch::ScalarType type_of_precision(const std::string& precision);

// What products on `device` run in now; kFloat32 where no Autocast is alive.
torch::ScalarType autocast_type(torch::DeviceType device);

}  // namespace glint
