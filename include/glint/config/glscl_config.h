#pragma once

#include <cstdint>
#include <string>

#include "glint/config/setting_rule.h"

namespace glint {

// head.* of GLSCL.
struct GlsclConfig {
  static constexpr const char* kName = "glscl";

  double temperature = 3;
  int64_t queries = 8;
  int64_t decoder_layers = 3;
  int64_t decoder_heads = 8;
  int64_t decoder_ffn = 2048;
  double dropout = 0.1;
  double query_weight = 0.5;
  double icl_weight = 1;
  double alpha = 1e-4;
  double beta = 0.005;
  double idl_margin = 0.1;
  double icl_target = 0.75;
  std::string icl_normaliser = "queries";
  std::string idl_modalities = "video";
  std::string block = "full_decoder";
  bool share_queries = true;
  bool mask_local = false;
};

template <class Visitor>
void describe(Visitor& v, GlsclConfig& c) {
  v.field("temperature", c.temperature, above(0, 1e6), "GIM");
  v.field("queries", c.queries, within(1, 4096).of_weights(), "Q");
  v.field("decoder_layers", c.decoder_layers, within(1, 256).of_weights(), "of the query decoder");
  v.field("decoder_heads", c.decoder_heads, within(1, 1024).of_weights(), "of its attention, divides D");
  v.field("decoder_ffn", c.decoder_ffn, within(1, 1 << 16).of_weights(), "width of its feed-forward layers");
  v.field("dropout", c.dropout, share().of_training(), "in the query decoder");
  v.field("query_weight", c.query_weight, within(0, 1e6), "of the query score in S (\"loss2_weight\")");
  v.field("icl_weight", c.icl_weight, within(0, 1e6).of_training(),
          "weight of the inter-consistency loss; 0 leaves it out");
  v.field("alpha", c.alpha, within(0, 1e6).of_training(), "weight of the intra-diversity loss");
  v.field("beta", c.beta, within(0, 1e6).of_training(), "weight of the pairs in the inter-consistency loss");
  v.field("idl_margin", c.idl_margin, within(-10, 10).of_training(),
          "two queries are held apart from a similarity of 1 - margin on");
  v.field("icl_target", c.icl_target, within(-10, 10).of_training(),
          "similarity that the queries of a pair are drawn to");
  v.field("icl_normaliser", c.icl_normaliser, one_of({"queries", "batch"}).of_training(),
          "queries (as released), batch (methods 3.4)");
  v.field("idl_modalities", c.idl_modalities, one_of({"video", "both"}).of_training(), "video (as released), both");
  v.field("block", c.block, one_of({"full_decoder", "cross_only"}).of_weights(),
          "full_decoder (as released), cross_only (the paper's figure)");
  v.field("share_queries", c.share_queries, any().of_weights(), "one query matrix for texts and videos");
  v.field("mask_local", c.mask_local, any(), "padding hidden from the query decoder (words and frames)");
}

}  // namespace glint
