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
  v.field("split", c.split, any(), "empty: data.test_split");
  v.field("ids", c.ids, any().path(), "file of the split's videos that are searched, an id a line; empty: all");
  v.field("captions", c.captions, one_of({"all", "first"}), "of a video: all, first (as MVEB's protocols)");
  v.field("on_missing", c.on_missing, one_of({"fail", "skip"}),
          "a video that is missing or cannot be read: fail, skip (counted in every result)");
  v.field("batch_size", c.batch_size, within(1, 1 << 20).read_by(Stage::kFeatures, Stage::kScores),
          "videos or captions encoded at once");
  v.field("block", c.block, within(1, 1 << 20).read_by(Stage::kScores), "texts and videos scored at once");
  v.field("precision", c.precision, one_of({"fp32", "bf16", "fp16"}),
          "of the towers' products: fp32, bf16, fp16; heads are fp32");
  v.field("tf32", c.tf32, any(), "on a GPU: products of float32 in its shorter TF32");
  v.field("ties", c.ties, one_of({"optimistic", "average"}).read_by(Stage::kRanks),
          "equal scores: average (half of them rank above the right answer), optimistic (none, as most released code)");
  v.field("v2t", c.v2t, one_of({"groups", "captions"}).read_by(Stage::kRanks).only_with("qrels", {""}),
          "several captions a video: groups (its best against the best of each other video), captions (against all)");
  v.field("qrels", c.qrels, any().path().read_by(Stage::kRanks),
          "file of right answers, TREC or BEIR form; empty: a caption's own video");
  v.field("qrels_mode", c.qrels_mode, one_of({"replace", "add"}).read_by(Stage::kRanks).not_with("qrels", {""}),
          "the file's answers: replace (no others count), add (to a caption's own video)");
  v.field(
      "postprocess", c.postprocess,
      one_of({"none", "dsl", "dsl_shared", "is", "qb_norm", "nnn", "sinkhorn", "csls"}).read_by(Stage::kRanks),
      "none; from all test queries together: dsl, dsl_shared, is, qb_norm, nnn, sinkhorn, csls (docs/evaluation.md)");
  v.field(
      "bank", c.bank, any().read_by(Stage::kRanks).only_with("postprocess", {"is", "qb_norm", "nnn", "sinkhorn"}),
      "is, qb_norm, nnn, sinkhorn learn from: test_queries, or train_captions:N (and train_videos:N; without N all)");
  v.field("bank_seed", c.bank_seed, within(0, kLargestSeed).read_by(Stage::kRanks).not_with("bank", {"test_queries"}),
          "of the bank's sample, where N is less than all");
  v.field("dsl_temperature", c.dsl_temperature,
          above(0, 1e6).read_by(Stage::kRanks).only_with("postprocess", {"dsl", "dsl_shared"}),
          "dsl, dsl_shared: on cosine scale");
  v.field("beta", c.beta, above(0, 1e6).read_by(Stage::kRanks).only_with("postprocess", {"is", "qb_norm"}),
          "is, qb_norm: inverse temperature, on cosine scale");
  v.field("hub_k", c.hub_k, within(1, 1e9).read_by(Stage::kRanks).only_with("postprocess", {"qb_norm"}),
          "qb_norm: a hub is among the k best ...");
  v.field("hub_theta", c.hub_theta, within(1, 1e9).read_by(Stage::kRanks).only_with("postprocess", {"qb_norm"}),
          "qb_norm: ... of so many bank queries");
  v.field("hub_theta_v2t", c.hub_theta_v2t, within(0, 1e9).read_by(Stage::kRanks).only_with("postprocess", {"qb_norm"}),
          "qb_norm: the same for video-to-text; 0: hub_theta");
  v.field("nnn_k", c.nnn_k, within(1, 1e9).read_by(Stage::kRanks).only_with("postprocess", {"nnn"}),
          "nnn: largest scores of an item that are averaged");
  v.field("nnn_alpha", c.nnn_alpha, above(0, 1e6).read_by(Stage::kRanks).only_with("postprocess", {"nnn"}),
          "nnn: share of that mean that is subtracted");
  v.field("sinkhorn_tau", c.sinkhorn_tau, above(0, 1e6).read_by(Stage::kRanks).only_with("postprocess", {"sinkhorn"}),
          "sinkhorn: temperature, on cosine scale");
  v.field("sinkhorn_rounds", c.sinkhorn_rounds,
          within(0, 1e6).read_by(Stage::kRanks).only_with("postprocess", {"sinkhorn"}),
          "sinkhorn: 0: 5 on test queries, 10 on a bank");
  v.field("csls_k", c.csls_k, within(1, 1e9).read_by(Stage::kRanks).only_with("postprocess", {"csls"}),
          "csls: nearest neighbours that are averaged");
  v.field("ema", c.ema, any(), "the moving average of the weights, where the checkpoint has one");
}

}  // namespace glint
