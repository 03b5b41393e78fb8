#pragma once

#include <cstdint>
#include <string>

#include "glint/config/clustering_config.h"
#include "glint/config/setting_rule.h"
#include "glint/config/tower_config.h"

namespace glint {

// model.*: the towers with the temporal encoder, and what they start from.
struct ModelConfig {
  std::string weights;
  std::string start = "openai";
  TowerConfig towers;
  ClusteringConfig clustering;
  std::string text_mask = "causal_padding";
  std::string temporal = "seq_transf";
  int64_t temporal_layers = 4;
  std::string freeze = "conv1";
  double dropout = -1;
};

template <class Visitor>
void describe(Visitor& v, ModelConfig& c) {
  v.field("weights", c.weights, any().path().of_machine().of_training(),
          "to start from: a checkpoint (glint import), or a safetensors file under OpenAI's or released names; empty: "
          "random");
  v.field("start", c.start, one_of({"openai", "short_run"}).of_training(),
          "without weights: openai (its random start), short_run (for some hundred steps)");
  v.section("towers", c.towers);
  v.section("clustering", c.clustering);
  v.field("text_mask", c.text_mask, one_of({"causal_padding", "causal"}), "causal_padding (GLSCL), causal (CLIP4Clip)");
  v.field("temporal", c.temporal, one_of({"none", "seq_lstm", "seq_transf"}).of_weights(),
          "none, seq_lstm, seq_transf");
  v.field("temporal_layers", c.temporal_layers, within(1, 256).of_weights(), "seq_transf");
  v.field("freeze", c.freeze, one_of({"none", "conv1", "clip4clip", "towers"}).of_training(),
          "none, conv1 (GLSCL), clip4clip (freeze_layer_num 0), towers");
  v.field("dropout", c.dropout, SettingRule{.low = -1, .high = 1, .high_open = true, .choices = {}}.of_training(),
          "of every dropout of the head; 0: none; -1: each its own");
}

}  // namespace glint
