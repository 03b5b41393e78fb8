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
          "token clustering (CenterCLIP), written BLOCK-SEGMENTS: \"6-4\" leaves 4 segments after block 6, \"3-6 6-3\" "
          "clusters twice; empty: none");
  v.field("clusters", c.clusters, within(1, 1 << 16), "tokens of a segment that are kept besides the class token");
  v.field("algorithm", c.algorithm, one_of({"k_medoids", "spectral"}), "clustering algorithm: k_medoids, spectral");
  v.field("distance", c.distance, one_of({"euclidean", "cosine"}), "distance between tokens: euclidean, cosine");
  v.field("norm", c.norm, above(0, 1000), "exponent of the euclidean distance (Minkowski's p); 2: the usual one");
  v.field("pre_norm", c.pre_norm, any(), "k_medoids: normalise tokens to unit length before their distances are taken");
  v.field("iterations", c.iterations, within(1, 1e6), "largest number of iterations of a clustering");
  v.field("keep", c.keep, one_of({"medoids", "means"}),
          "what is kept of each cluster: medoids (one of its tokens), means (the mean of its tokens)");
  v.field("graph", c.graph, one_of({"heat", "nearest"}),
          "spectral: which tokens are connected: heat (all pairs), nearest (nearest neighbours only)");
  v.field("neighbours", c.neighbours, within(0, 1e6),
          "spectral, nearest: neighbours of a token; 0: 5 times the frames of a segment, as released");
  v.field("sigma", c.sigma, above(0, 1e6), "spectral: width of the Gaussian that turns a distance into an affinity");
}

}  // namespace glint
