#include "glint/nn/autocast.h"

#include <ATen/autocast_mode.h>
#include <torch/torch.h>

#include "glint/core/error.h"

namespace glint {

Autocast::Autocast(torch::DeviceType device, torch::ScalarType type)
    : device_(device),
      was_enabled_(at::autocast::is_autocast_enabled(device)),
      was_(at::autocast::get_autocast_dtype(device)) {
  at::autocast::set_autocast_enabled(device, type != torch::kFloat32);
  if (type != torch::kFloat32) at::autocast::set_autocast_dtype(device, type);
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();  // of converted weights, which change
  at::autocast::set_autocast_enabled(device_, was_enabled_);
  at::autocast::set_autocast_dtype(device_, was_);
}

torch::ScalarType type_of_precision(const std::string& precision) {
  if (precision == "bf16") return torch::kBFloat16;
  if (precision == "fp16") return torch::kHalf;
  GLINT_CHECK(precision == "fp32", "precision ", precision);
  return torch::kFloat32;
}

torch::ScalarType autocast_type(torch::DeviceType device) {
  return at::autocast::is_autocast_enabled(device) ? at::autocast::get_autocast_dtype(device) : torch::kFloat32;
}

}  // namespace glint
