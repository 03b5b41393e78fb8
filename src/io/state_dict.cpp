#include "glint/io/state_dict.h"

#include <torch/torch.h>

#include "glint/core/error.h"

namespace glint {

bool has_prefix(const TensorMap& weights, const std::string& prefix) {
  const auto first = weights.lower_bound(prefix);
  return first != weights.end() && first->first.starts_with(prefix);
}

TensorMap without_prefix(const TensorMap& weights, const std::string& prefix) {
  TensorMap rest;
  for (auto it = weights.lower_bound(prefix); it != weights.end() && it->first.starts_with(prefix); ++it) {
    rest[it->first.substr(prefix.size())] = it->second;
  }
  return rest;
}

int64_t count_numbered(const TensorMap& weights, const std::string& prefix) {
  int64_t count = 0;
  while (has_prefix(weights, concat(prefix, count, "."))) ++count;
  return count;
}

int64_t rows_of(const TensorMap& weights, const std::string& name, int64_t otherwise) {
  const auto found = weights.find(name);
  return found != weights.end() && found->second.dim() > 0 ? found->second.size(0) : otherwise;
}

}  // namespace glint
