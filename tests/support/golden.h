#pragma once

#include <torch/types.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "glint/io/safetensors.h"

namespace glint::test {

// A golden case: numbers computed with the published implementations (docs/golden.md). Floating tensors come as float32
// (what is stored as float16 is exactly representable there); integers as stored.
struct GoldenCase {
  std::filesystem::path folder;
  std::string name;  // of the folder
  std::string kind;
  nlohmann::json json;
  TensorMap weights;  // with the formula weights made; from `weights_from` where the case names another
  TensorMap inputs;
  TensorMap expected;
  torch::Device device = torch::kCPU;  // of the weights and inputs, and of what is computed from them
  double slack = 1;                    // by which every tolerance grows

  void move_to(torch::Device new_device, double new_slack);
  const torch::Tensor& weight(const std::string& tensor) const;  // Error naming case and tensor where it is not there
  const torch::Tensor& input(const std::string& tensor) const;
  const torch::Tensor& want(const std::string& tensor) const;
  bool has_want(const std::string& tensor) const { return expected.count(tensor) != 0; }
  double atol(const std::string& tensor) const;  // from `atol`; Error where the case has none
  template <class T>
  T config(const std::string& key) const {
    return json.at("config").at(key).get<T>();
  }
};
GoldenCase load_golden_case(const std::filesystem::path& folder);

// Compares every expected tensor of the case with the result of its name; one without a result is a failure.
class CaseReport;
void compare_everything(const GoldenCase& golden, const TensorMap& results, CaseReport& report);

// The tensors of `formula_weights` in a case.json (docs/golden.md, "Formula weights"), checked by their SHA-256.
TensorMap formula_weights(const nlohmann::json& formula);

// Collects comparisons of one case; the worst is the one with the largest share of its tolerance.
class CaseReport {
 public:
  // Shapes must be equal; max|actual - expected| <= atol. NaN anywhere fails.
  void compare(const std::string& tensor, const torch::Tensor& actual, const torch::Tensor& expected, double atol);
  void compare(const std::string& number, double actual, double expected, double atol);
  // A fact without a tolerance (equal ids, equal names); `what` says what is wrong where it fails.
  void require(bool holds, const std::string& what);

  bool ok() const { return ok_ && comparisons_ > 0; }
  bool compared(const std::string& name) const { return names_.count(name) != 0; }
  int comparisons() const { return comparisons_; }
  const std::string& worst() const { return worst_; }
  double worst_error() const { return worst_error_; }
  double worst_tolerance() const { return worst_tolerance_; }
  const std::vector<std::string>& failures() const { return failures_; }  // one line each

 private:
  void note(const std::string& name, double error, double atol);

  bool ok_ = true;
  int comparisons_ = 0;
  std::set<std::string> names_;
  std::string worst_ = "-";
  double worst_error_ = 0;
  double worst_tolerance_ = 0;
  double worst_share_ = -1;
  std::vector<std::string> failures_;
};

}  // namespace glint::test
