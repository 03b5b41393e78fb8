#pragma once

#include <cstdint>
#include <string>

#include "glint/config/setting_rule.h"

namespace glint {

// model.clustering.* of CenterCLIP: between blocks of the image tower the frames of a segment become one, of whose
// tokens the medoids stay.
struct ClusteringConfig {
  std::string stages;
  int64_t clusters = 49;
  std::string algorithm = "k_medoids";
  std::string distance = "euclidean";
  double norm = 2;
  bool pre_norm = false;
  int64_t iterations = 100;
  std::string keep = "medoids";
  std::string graph = "heat";
  int64_t neighbours = 0;
  double sigma = 2;
};

template <class Visitor>
void describe(Visitor& v, ClusteringConfig& c) {
  v.field("stages", c.stages, any(),
          "BLOCK-SEGMENTS, as \"6-4\": 4 segments after block 6; several: \"3-6 6-3\"; empty: no clustering");
  v.field("clusters", c.clusters, within(1, 1 << 16), "K, tokens of a segment that stay besides the class token");
  v.field("algorithm", c.algorithm, one_of({"k_medoids", "spectral"}), "k_medoids, spectral");
  v.field("distance", c.distance, one_of({"euclidean", "cosine"}), "euclidean, cosine");
  v.field("norm", c.norm, above(0, 1000), "of the euclidean distance (Minkowski's p)");
  v.field("pre_norm", c.pre_norm, any(), "k_medoids: distances between unit vectors");
  v.field("iterations", c.iterations, within(1, 1e6), "passes at most");
  v.field("keep", c.keep, one_of({"medoids", "means"}), "medoids (as they are), means (of each cluster)");
  v.field("graph", c.graph, one_of({"heat", "nearest"}), "spectral: heat (all pairs), nearest (neighbours alone)");
  v.field("neighbours", c.neighbours, within(0, 1e6), "nearest: of a token; 0: 5 a frame of the segment, as released");
  v.field("sigma", c.sigma, above(0, 1e6), "spectral: distance over which the affinity falls");
}

}  // namespace glint
