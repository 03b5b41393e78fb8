#include "support/golden.h"

#include <cmath>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"

namespace glint::test {

namespace fs = std::filesystem;

namespace {

const torch::Tensor& find(const GoldenCase& golden, const TensorMap& tensors, const char* file,
                          const std::string& name) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) throw Error(golden.name, ": ", file, " has no tensor '", name, "'");
  return found->second;
}

TensorMap read_as_float32(const fs::path& path) {
  TensorMap tensors;
  if (!fs::exists(path)) return tensors;
  for (auto& [name, tensor] : read_safetensors(path).tensors) {
    tensors[name] = tensor.is_floating_point() ? tensor.to(torch::kFloat32) : tensor;
  }
  return tensors;
}

}  // namespace

const torch::Tensor& GoldenCase::weight(const std::string& tensor) const {
  return find(*this, weights, "weights", tensor);
}
const torch::Tensor& GoldenCase::input(const std::string& tensor) const {
  return find(*this, inputs, "inputs", tensor);
}
const torch::Tensor& GoldenCase::want(const std::string& tensor) const {
  return find(*this, expected, "expected", tensor);
}

double GoldenCase::atol(const std::string& tensor) const {
  const auto& table = json.at("atol");
  if (!table.contains(tensor)) throw Error(name, ": case.json gives no atol for '", tensor, "'");
  return slack * table.at(tensor).get<double>();
}

void GoldenCase::move_to(torch::Device new_device, double new_slack) {
  device = new_device;
  slack = new_slack;
  for (auto* tensors : {&weights, &inputs}) {
    for (auto& [name, tensor] : *tensors) tensor = tensor.to(device);
  }
}

GoldenCase load_golden_case(const fs::path& folder) {
  GoldenCase golden;
  golden.folder = folder;
  golden.name = folder.filename().string();
  golden.json = nlohmann::json::parse(read_file(folder / "case.json"));
  golden.kind = golden.json.at("kind").get<std::string>();
  if (golden.json.contains("weights_from") && golden.json["weights_from"].is_string()) {
    const auto from = golden.json["weights_from"].get<std::string>();
    const fs::path named = folder / from.substr(0, from.find(' '));
    golden.weights = read_as_float32(named.extension() == ".safetensors" ? named : named / "weights.safetensors");
  }
  for (auto& [name, tensor] : read_as_float32(folder / "weights.safetensors")) golden.weights[name] = tensor;
  if (golden.json.contains("formula_weights")) {
    for (auto& [name, tensor] : formula_weights(golden.json["formula_weights"])) golden.weights[name] = tensor;
  }
  golden.inputs = read_as_float32(folder / "inputs.safetensors");
  golden.expected = read_as_float32(folder / "expected.safetensors");
  return golden;
}

void compare_everything(const GoldenCase& golden, const TensorMap& results, CaseReport& report) {
  for (const auto& [name, want] : golden.expected) {
    const auto found = results.find(name);
    report.require(found != results.end() && found->second.defined(), "nothing was computed for " + name);
    if (found != results.end() && found->second.defined()) report.compare(name, found->second, want, golden.atol(name));
  }
}

void CaseReport::note(const std::string& name, double error, double atol) {
  ++comparisons_;
  names_.insert(name);
  const double share = std::isnan(error) ? INFINITY : (atol > 0 ? error / atol : (error > 0 ? INFINITY : 0));
  if (share > worst_share_) {
    worst_share_ = share;
    worst_ = name;
    worst_error_ = error;
    worst_tolerance_ = atol;
  }
  if (!(error <= atol)) {
    ok_ = false;
    failures_.push_back(concat(name, ": max|err| ", error, " above ", atol));
  }
}

void CaseReport::compare(const std::string& tensor, const torch::Tensor& actual, const torch::Tensor& expected,
                         double atol) {
  if (actual.sizes() != expected.sizes()) {
    note(tensor, NAN, atol);
    failures_.back() = concat(tensor, ": shape ", actual.sizes(), ", expected ", expected.sizes());
    return;
  }
  const auto difference = (actual.detach().to(torch::kCPU, torch::kFloat64) - expected.to(torch::kFloat64)).abs();
  note(tensor, difference.numel() == 0 ? 0.0 : difference.max().item<double>(), atol);
}

void CaseReport::compare(const std::string& number, double actual, double expected, double atol) {
  note(number, std::abs(actual - expected), atol);
}

void CaseReport::require(bool holds, const std::string& what) {
  ++comparisons_;
  if (holds) return;
  ok_ = false;
  worst_share_ = INFINITY;
  worst_ = what;
  worst_error_ = NAN;
  worst_tolerance_ = 0;
  failures_.push_back(what);
}

}  // namespace glint::test
