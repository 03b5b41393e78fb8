#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "glint/config/clustering_config.h"
#include "glint/model/towers.h"

namespace glint {

// What a block of the image tower is given: [sequences, length, W].
struct BlockInput {
  int64_t sequences = 0;
  int64_t length = 0;
};

// model.clustering.stages, checked against the towers and the clips: where the image tower sees fewer frames from.
class TokenStages {
 public:
  // Throws Error naming the setting that does not fit.
  TokenStages(const ClusteringConfig& config, const TowerSizes& sizes, int64_t num_frames);

  bool empty() const { return stages_.empty(); }
  int64_t duration() const;  // frames that become one over all stages; 1 where there is none
  int64_t first_block() const { return stages_.front().after; }  // blocks that see every frame

  // Between blocks, `done` of them behind: merges the frames of each segment where a stage stands. Images of a clip
  // follow one another. [N, S, W] -> [N', S', W]
  torch::Tensor apply(int64_t done, const torch::Tensor& tokens) const;

  // What block `index` is given of pictures that would be `plain` without stages and stand for `frames` frames.
  BlockInput input(int64_t index, const BlockInput& plain, int64_t frames) const;

 private:
  struct Stage {
    int64_t after;     // blocks
    int64_t duration;  // frames of a segment
  };
  ClusteringConfig config_;
  std::vector<Stage> stages_;
};

}  // namespace glint
