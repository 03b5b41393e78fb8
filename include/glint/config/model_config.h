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
          "pretrained weights: a checkpoint (glint import makes one), a run, or a safetensors file with OpenAI's or "
          "released names; empty: random weights");
  v.field("start", c.start, one_of({"openai", "short_run"}).of_training(),
          "initialisation without model.weights: openai (as CLIP was initialised), short_run (for trainings of some "
          "hundred steps)");
  v.section("towers", c.towers);
  v.section("clustering", c.clustering);
  v.field("text_mask", c.text_mask, one_of({"causal_padding", "causal"}),
          "attention mask of the text tower: causal_padding (padding hidden too, as GLSCL), causal (as CLIP4Clip)");
  v.field("temporal", c.temporal, one_of({"none", "seq_lstm", "seq_transf"}).of_weights(),
          "temporal encoder over the frames: none, seq_lstm (LSTM), seq_transf (transformer)");
  v.field("temporal_layers", c.temporal_layers, within(1, 256).of_weights(),
          "layers of the temporal transformer (seq_transf)");
  v.field("freeze", c.freeze, one_of({"none", "conv1", "clip4clip", "towers"}).of_training(),
          "weights that are not trained: none, conv1 (the patch embedding, as GLSCL), clip4clip (its embeddings too, "
          "as CLIP4Clip), towers (all of CLIP)");
  v.field("dropout", c.dropout, SettingRule{.low = -1, .high = 1, .high_open = true, .choices = {}}.of_training(),
          "overrides every dropout of the head; 0: no dropout; -1: each keeps its own setting");
}

}  // namespace glint
