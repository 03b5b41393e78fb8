#include <cmath>
#include <cstdint>

#include "glint/core/error.h"
#include "glint/core/hash.h"
#include "support/golden.h"

namespace glint::test {

TensorMap formula_weights(const nlohmann::json& formula) {
  TensorMap tensors;
  for (const auto& [name, rule] : formula.at("tensors").items()) {
    const auto shape = rule.at("shape").get<std::vector<int64_t>>();
    auto tensor = torch::empty(shape, torch::kFloat32);
    float* out = tensor.data_ptr<float>();
    std::uint64_t state = rule.at("seed").get<std::uint64_t>();
    const int shift = rule.at("exp2").get<int>() - 23;
    for (int64_t i = 0; i < tensor.numel(); ++i) {
      state += 0x9E3779B97F4A7C15ULL;
      std::uint64_t z = state;
      z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
      z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
      z = z ^ (z >> 31);
      out[i] = static_cast<float>(std::ldexp(static_cast<double>(static_cast<int64_t>(z >> 40) - 8388608), shift));
    }
    const std::string digest = sha256({reinterpret_cast<const char*>(out), static_cast<std::size_t>(tensor.nbytes())});
    if (digest != rule.at("sha256_f32le").get<std::string>()) {
      throw Error("formula weight '", name, "': its digest is ", digest, ", not the one in case.json");
    }
    tensors[name] = tensor;
  }
  return tensors;
}

}  // namespace glint::test
