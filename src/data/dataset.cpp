#include "glint/data/dataset.h"

#include "glint/core/error.h"

namespace glint {

Dataset load_dataset(const DataConfig& config, const std::string& split) {
  if (config.name == "msrvtt") return load_msrvtt(config, split);
  GLINT_CHECK(config.name == "manifest", "no loader for data set '", config.name, "'");
  return load_manifest(config, split);
}

}  // namespace glint
