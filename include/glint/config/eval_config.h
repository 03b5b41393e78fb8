#pragma once

#include <cstdint>
#include <string>

#include "glint/config/setting_rule.h"

namespace glint {

// eval.*: what is evaluated, and how ranks are counted.
struct EvalConfig {
  std::string split;
  std::string ids;
  std::string captions = "all";
  std::string on_missing = "fail";
  int64_t batch_size = 32;
  int64_t block = 256;
  std::string precision = "fp32";
  bool tf32 = false;
  std::string ties = "average";
  std::string v2t = "groups";
  std::string qrels;
  std::string qrels_mode = "replace";
  std::string postprocess = "none";
  std::string bank = "test_queries";
  int64_t bank_seed = 0;
  double dsl_temperature = 100;
  double beta = 20;
  int64_t hub_k = 1;
  int64_t hub_theta = 1;
  int64_t hub_theta_v2t = 0;
  int64_t nnn_k = 128;
  double nnn_alpha = 0.75;
  double sinkhorn_tau = 0.01;
  int64_t sinkhorn_rounds = 0;
  int64_t csls_k = 10;
  bool ema = true;
};

template <class Visitor>
void describe(Visitor& v, EvalConfig& c) {
  v.field("split", c.split, any(), "split to evaluate; empty: data.test_split");
  v.field("ids", c.ids, any().path(),
          "file with the ids of the videos to search, one a line; empty: all videos of the split");
  v.field("captions", c.captions, one_of({"all", "first"}),
          "captions of a video that ask: all, first (as MVEB's protocols)");
  v.field("on_missing", c.on_missing, one_of({"fail", "skip"}),
          "what a missing or unreadable video does: fail, skip (counted in every result)");
  v.field("batch_size", c.batch_size, within(1, 1 << 20).read_by(Stage::kFeatures, Stage::kScores),
          "videos or captions encoded at one time");
  v.field("block", c.block, within(1, 1 << 20).read_by(Stage::kScores), "texts and videos scored at one time");
  v.field("precision", c.precision, one_of({"fp32", "bf16", "fp16"}),
          "precision of the towers' matrix products: fp32, bf16, fp16; heads stay fp32");
  v.field("tf32", c.tf32, any(), "GPU: compute float32 matrix products in TF32, which is faster and less exact");
  v.field("ties", c.ties, one_of({"optimistic", "average"}).read_by(Stage::kRanks),
          "how scores equal to the right answer's count: average (half of them rank above it), optimistic (none does, "
          "as in most released code)");
  v.field("v2t", c.v2t, one_of({"groups", "captions"}).read_by(Stage::kRanks).only_with("qrels", {""}),
          "video-to-text with several captions a video: groups (its best caption against the best of each other "
          "video), captions (against every single caption)");
  v.field("qrels", c.qrels, any().path().read_by(Stage::kRanks),
          "file of right answers in TREC or BEIR form; empty: a caption's own video is the right one");
  v.field("qrels_mode", c.qrels_mode, one_of({"replace", "add"}).read_by(Stage::kRanks).not_with("qrels", {""}),
          "what the file does: replace (only its answers are right), add (a caption's own video is right too)");
  v.field("postprocess", c.postprocess,
          one_of({"none", "dsl", "dsl_shared", "is", "qb_norm", "nnn", "sinkhorn", "csls"}).read_by(Stage::kRanks),
          "post-processing of the score matrix: none, dsl, dsl_shared, is, qb_norm, nnn, sinkhorn, csls "
          "(docs/evaluation.md)");
  v.field("bank", c.bank, any().read_by(Stage::kRanks).only_with("postprocess", {"is", "qb_norm", "nnn", "sinkhorn"}),
          "what is, qb_norm, nnn and sinkhorn learn from: test_queries, train_captions:N, or "
          "train_captions:N,train_videos:N; without N: all");
  v.field("bank_seed", c.bank_seed, within(0, kLargestSeed).read_by(Stage::kRanks).not_with("bank", {"test_queries"}),
          "seed of the bank's random sample, where N is less than all");
  v.field("dsl_temperature", c.dsl_temperature,
          above(0, 1e6).read_by(Stage::kRanks).only_with("postprocess", {"dsl", "dsl_shared"}),
          "dsl, dsl_shared: factor of the cosines in the softmax");
  v.field("beta", c.beta, above(0, 1e6).read_by(Stage::kRanks).only_with("postprocess", {"is", "qb_norm"}),
          "is, qb_norm: factor of the cosines in the softmax (inverse temperature)");
  v.field("hub_k", c.hub_k, within(1, 1e9).read_by(Stage::kRanks).only_with("postprocess", {"qb_norm"}),
          "qb_norm: an item is a hub if it is among the hub_k best ...");
  v.field("hub_theta", c.hub_theta, within(1, 1e9).read_by(Stage::kRanks).only_with("postprocess", {"qb_norm"}),
          "qb_norm: ... of at least hub_theta queries of the bank");
  v.field("hub_theta_v2t", c.hub_theta_v2t, within(0, 1e9).read_by(Stage::kRanks).only_with("postprocess", {"qb_norm"}),
          "qb_norm: hub_theta for video-to-text; 0: the same");
  v.field("nnn_k", c.nnn_k, within(1, 1e9).read_by(Stage::kRanks).only_with("postprocess", {"nnn"}),
          "nnn: number of an item's largest scores in the bank that are averaged");
  v.field("nnn_alpha", c.nnn_alpha, above(0, 1e6).read_by(Stage::kRanks).only_with("postprocess", {"nnn"}),
          "nnn: fraction of that mean that is subtracted");
  v.field("sinkhorn_tau", c.sinkhorn_tau, above(0, 1e6).read_by(Stage::kRanks).only_with("postprocess", {"sinkhorn"}),
          "sinkhorn: temperature of the cosines");
  v.field("sinkhorn_rounds", c.sinkhorn_rounds,
          within(0, 1e6).read_by(Stage::kRanks).only_with("postprocess", {"sinkhorn"}),
          "sinkhorn: number of iterations; 0: 5 with test queries, 10 with another bank");
  v.field("csls_k", c.csls_k, within(1, 1e9).read_by(Stage::kRanks).only_with("postprocess", {"csls"}),
          "csls: number of nearest neighbours that are averaged");
  v.field("ema", c.ema, any(), "use the moving average of the weights where the checkpoint has one");
}

}  // namespace glint
