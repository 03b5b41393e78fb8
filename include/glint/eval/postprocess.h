#pragma once

#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "glint/eval/bank.h"
#include "glint/eval/metrics.h"

namespace glint {

// Post-processing of the scores of a whole test set (docs/evaluation.md). Scores S on cosine scale, queries i,
// gallery items j; lse = log-sum-exp; B a bank's scores. Every method but the two dual softmaxes and QB-Norm subtracts
// a bias b_j from the scores of item j.

struct NoPostprocess {};  // "none"

// "dsl", dual softmax (CAMoE, arXiv 2109.04290): S_ij softmax over the queries of the direction of (tau S_ij).
struct DslSettings {
  double tau = 100;  // CLIP-ViP, T-MASS; InternVideo2: 1
};

// "dsl_shared": the text-to-video matrix of dsl for both directions (TS2-Net, CLIP-ViP, T-MASS). A right answer that is
// not negative keeps its raw rank in video-to-text.
struct DslSharedSettings {
  double tau = 100;
};

// "is", inverted softmax (Smith et al., arXiv 1702.03859): b_j = lse_q(beta B_qj) / beta.
struct InvertedSoftmaxSettings {
  double beta = 20;  // DBNorm; MUSE 30, DBSN 50 or 100
};

// "qb_norm" (QB-Norm, arXiv 2112.12777): as `is`, for the queries whose best item is a hub: among the k best of at
// least theta bank queries. The others stay raw, so scores compare within a query only.
struct QbNormSettings {
  double beta = 20;
  int64_t k = 1;
  int64_t theta = 1;
  std::optional<int64_t> theta_v2t;  // DiCoSA: beta 70, theta 3 and 5; without it theta
};

// "nnn" (Nearest Neighbor Normalization, arXiv 2410.24114): b_j = alpha mean of the k largest B_qj.
struct NnnSettings {
  int64_t k = 128;
  double alpha = 0.75;
};

// "sinkhorn" (DBSN, arXiv 2508.02538): b_j = -tau log u_j; SinkhornScaling has u. On test queries both directions come
// from one run whose items are the videos.
struct SinkhornSettings {
  double tau = 0.01;
  std::optional<int64_t> rounds;  // without it 5 on test queries, 10 on a bank
};

// "csls" (MUSE, arXiv 1710.04087): 2 S_ij - r_i - r_j with r the mean of the k largest of the row and of the column.
// r_i changes no rank: b_j = r_j / 2.
struct CslsSettings {
  int64_t k = 10;
};

using Postprocess = std::variant<NoPostprocess, DslSettings, DslSharedSettings, InvertedSoftmaxSettings, QbNormSettings,
                                 NnnSettings, SinkhornSettings, CslsSettings>;

// The entry of an evaluation's signature: "none", "dsl(tau=100)",
// "qb_norm(k=1,beta=20,theta=1,bank=train_captions:9000)". `bank` is eval.bank; methods without one leave it out.
std::string postprocess_signature(const Postprocess& method, const std::string& bank);

// Whether the method reads a bank. The others (none aside) look at all test queries at once.
bool uses_bank(const Postprocess& method);

// What ranks each direction. Empty for "none".
struct DirectionTransforms {
  QueryTransform t2v;  // rows of texts against all videos
  QueryTransform v2t;  // rows of videos against all texts
};

// The banks of a method that uses them: training texts x test videos, training videos x test texts. Empty: the test
// queries themselves.
struct DirectionBanks {
  Bank t2v;
  Bank v2t;
};

// Throws Error where a score is not finite, where the bank has no query, and where it has fewer than k
// (nnn, csls). The transforms hold one or two numbers an item and no scores.
DirectionTransforms prepare_postprocess(const Postprocess& method, const Scores& scores,
                                        const DirectionBanks& banks = {});

// Ranks by S_ij - biases_j, biases float64 [G].
QueryTransform subtract_biases(const torch::Tensor& biases);

// The published matrices, in float64. scores [queries, gallery].
torch::Tensor dual_softmax(const torch::Tensor& scores, double tau);
// log|S_ij| + tau S_ij - lse_q(tau S_qj), -inf where S_ij is 0: ranks like the product where S is positive.
torch::Tensor log_dual_softmax(const torch::Tensor& scores, double tau);
// Rows of hub queries: exp(beta S_ij) / sum_q exp(beta train_qj). train [training queries, gallery]. Throws Error where
// there is no training query.
torch::Tensor qb_norm(const torch::Tensor& scores, const torch::Tensor& train, double beta, int64_t k, int64_t theta);

}  // namespace glint
