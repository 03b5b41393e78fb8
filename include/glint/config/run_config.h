#pragma once

#include <string>

#include "glint/config/setting_rule.h"

namespace glint {

// run.*: where a run is kept, and the device it uses.
struct RunConfig {
  std::string dir;
  std::string device = "auto";
};

template <class Visitor>
void describe(Visitor& v, RunConfig& c) {
  v.field("dir", c.dir, any().path().without_effect().of_machine().of_training(),
          "run folder, where checkpoints and logs go; empty: runs/<name of the settings file>");
  v.field("device", c.device,
          one_of({"auto", "cpu", "cuda"}).without_effect().of_machine().read_by(Stage::kFeatures, Stage::kScores),
          "where the model runs: auto (the GPU if there is one), cpu, cuda");
}

}  // namespace glint
