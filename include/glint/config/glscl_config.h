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
  v.field("temperature", c.temperature, above(0, 1e6),
          "softmax temperature of the global interaction, where a text attends to frames; higher: more even weights");
  v.field("queries", c.queries, within(1, 4096).of_weights(),
          "number of learnt queries of the local interaction, each one concept");
  v.field("decoder_layers", c.decoder_layers, within(1, 256).of_weights(),
          "layers of the decoder in which the queries attend to words or frames");
  v.field("decoder_heads", c.decoder_heads, within(1, 1024).of_weights(),
          "attention heads of that decoder; must divide model.towers.embed_dim");
  v.field("decoder_ffn", c.decoder_ffn, within(1, 1 << 16).of_weights(), "width of the decoder's feed-forward layers");
  v.field("dropout", c.dropout, share().of_training(), "dropout of the decoder, in training");
  v.field("query_weight", c.query_weight, within(0, 1e6),
          "weight of the local (query) score; the global score has weight 1 (the release's loss2_weight)");
  v.field("icl_weight", c.icl_weight, within(0, 1e6).of_training(),
          "weight of the inter-consistency loss, which draws the queries of a matching text and video together; 0: "
          "leave it out");
  v.field("alpha", c.alpha, within(0, 1e6).of_training(),
          "weight of the intra-diversity loss, which keeps the queries of one video apart; 0: leave it out");
  v.field(
      "beta", c.beta, within(0, 1e6).of_training(),
      "weight of the per-query term within the inter-consistency loss; 0: leave that term out, the other one stays");
  v.field("idl_margin", c.idl_margin, within(-10, 10).of_training(),
          "intra-diversity loss: queries are pushed apart when more similar than 1 - idl_margin");
  v.field("icl_target", c.icl_target, within(-10, 10).of_training(),
          "inter-consistency loss: cosine that matching queries are drawn to in the per-query term");
  v.field("icl_normaliser", c.icl_normaliser, one_of({"queries", "batch"}).of_training(),
          "inter-consistency loss: the sum over the batch is divided by the number of queries (as released) or by "
          "batch, its size (methods 3.4)");
  v.field("idl_modalities", c.idl_modalities, one_of({"video", "both"}).of_training(),
          "intra-diversity loss over the queries of: video (as released), both (texts too)");
  v.field("block", c.block, one_of({"full_decoder", "cross_only"}).of_weights(),
          "decoder layer: full_decoder (self-attention, cross-attention, feed-forward; as released), cross_only (as "
          "the paper's figure)");
  v.field("share_queries", c.share_queries, any().of_weights(), "texts and videos use the same queries");
  v.field("mask_local", c.mask_local, any(), "hide padding words and frames from the decoder; false: as released");
}

}  // namespace glint
