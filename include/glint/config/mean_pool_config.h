#pragma once

namespace glint {

// Mean pooling: no settings.
struct MeanPoolConfig {
  static constexpr const char* kName = "mean_pool";
};

template <class Visitor>
void describe(Visitor&, MeanPoolConfig&) {}

}  // namespace glint
