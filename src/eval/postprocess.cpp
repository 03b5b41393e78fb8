#include "glint/eval/postprocess.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <utility>

#include "eval/query_blocks.h"
#include "glint/core/error.h"

// A texts, B videos; Q queries, G gallery items of one direction. n rows of queries at a time.

namespace glint {
namespace {

constexpr double kSafeExponent = 600;  // |S| exp(-600) is far from float64's smallest, 1e-308

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

// -> float64 [n, G], contiguous, of its own
torch::Tensor float64_copy(const torch::Tensor& rows) {
  return torch::empty(rows.sizes(), torch::kFloat64).copy_(rows);
}

// lse of every item or query, in two parts (RunningLogSumExp).
struct SoftmaxNorm {
  torch::Tensor largest;
  torch::Tensor rest;
};

SoftmaxNorm softmax_norm(const Bank& bank, int64_t items, double beta, const char* method) {
  SoftmaxBias bias(items, beta);
  bank([&](const torch::Tensor& block) { bias.add(block); });
  if (bias.queries() == 0) {
    throw Error("eval.postprocess = ", method,
                " needs the scores of training queries or test queries, and its bank has none: give another");
  }
  return {bias.largest(), bias.rest()};
}

struct ScoreRange {
  double smallest = 0;
  double largest = 0;
};

// Of scores that are all finite.
ScoreRange checked_range(const Scores& scores) {
  constexpr auto kDirection = Direction::kTextToVideo;
  std::mutex mutex;
  ScoreRange range;
  for_query_blocks(scores, kDirection, {}, [&](const auto& block) {
    const auto count = block.count * block.items;
    if (count == 0) return;
    for (int64_t i = 0; i < count; ++i) {
      if (!std::isfinite(block.values[i])) {
        refuse_score(block.values[i], kDirection, block.first + i / block.items, i % block.items);
      }
    }
    const auto [least, most] = std::minmax_element(block.values, block.values + count);
    const std::lock_guard lock(mutex);
    range.smallest = std::min<double>(range.smallest, *least);
    range.largest = std::max<double>(range.largest, *most);
  });
  return range;
}

// S softmax(tau S) with the softmax's denominator given for every item, or for every query. Where float64 cannot hold
// the smallest product its root-th root takes its place, the sign kept: that ranks alike.
class DslTransform {
 public:
  enum class NormOf { kItem, kQuery };

  DslTransform(SoftmaxNorm norm, NormOf norm_of, double tau, double root)
      : norm_(std::move(norm)), norm_of_(norm_of), tau_(tau), root_(root) {}

  torch::Tensor operator()(const torch::Tensor& rows, int64_t first) const {
    auto result = float64_copy(rows);
    const int64_t items = rows.size(1);
    const double* largest = norm_.largest.const_data_ptr<double>();
    const double* rest = norm_.rest.const_data_ptr<double>();
    double* values = result.mutable_data_ptr<double>();
    at::parallel_for(0, rows.size(0), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        for (int64_t j = 0; j < items; ++j) {
          const int64_t of = norm_of_ == NormOf::kItem ? j : first + i;
          double& value = values[i * items + j];
          value = weighed(value, tau_ * ((value - largest[of]) - rest[of]));
        }
      }
    });
    return result;
  }

 private:
  double weighed(double score, double log_weight) const {
    if (root_ == 1) return score * std::exp(log_weight);
    if (score == 0) return 0;
    return std::copysign(std::exp((std::log(std::abs(score)) + log_weight) / root_), score);
  }

  SoftmaxNorm norm_;
  NormOf norm_of_;
  double tau_;
  double root_;
};

// 1 where exp(tau (S - lse)) is far above float64's smallest for `queries` scores of that range.
double safe_root(const ScoreRange& range, double tau, int64_t queries) {
  const double lowest =
      tau * (range.largest - range.smallest) + std::log(static_cast<double>(std::max<int64_t>(1, queries)));
  return std::max(1.0, lowest / kSafeExponent);
}

// The queries of the direction compete for every item.
SoftmaxNorm own_norm(const Scores& scores, Direction direction, double tau) {
  return softmax_norm(bank_of(scores, direction), scores.items(direction), tau, "dsl");
}

QueryTransform subtract_norm(SoftmaxNorm norm) {
  // In this order: where one query owns an item its difference is 0, and the rest still tells items apart.
  return [norm = std::move(norm)](const torch::Tensor& rows, int64_t) {
    return float64_copy(rows).sub_(norm.largest).sub_(norm.rest);
  };
}

// Rows whose best item is a hub are normalised, the others stay raw.
class QbNormTransform {
 public:
  QbNormTransform(SoftmaxNorm norm, torch::Tensor is_hub) : norm_(std::move(norm)), is_hub_(std::move(is_hub)) {}

  // The best item is that of the raw scores: exp(beta S) may overflow for several.
  bool normalises(const double* row, int64_t items) const {
    return is_hub_.const_data_ptr<bool>()[std::max_element(row, row + items) - row];
  }

  torch::Tensor operator()(const torch::Tensor& rows, int64_t) const {
    auto result = float64_copy(rows);
    for (int64_t i = 0; i < rows.size(0); ++i) {
      auto row = result[i];
      if (normalises(row.const_data_ptr<double>(), rows.size(1))) row.sub_(norm_.largest).sub_(norm_.rest);
    }
    return result;
  }

 private:
  SoftmaxNorm norm_;
  torch::Tensor is_hub_;  // bool [G]
};

QbNormTransform qb_norm_transform(const Bank& bank, int64_t items, double beta, int64_t k, int64_t theta) {
  GLINT_CHECK(theta > 0, "theta ", theta);
  SoftmaxBias bias(items, beta);
  HubCounter hubs(items, k);
  bank([&](const torch::Tensor& block) {
    bias.add(block);
    hubs.add(block);
  });
  if (bias.queries() == 0) {
    throw Error(
        "eval.postprocess = qb_norm needs the scores of training queries, and its bank has none: give "
        "another");
  }
  return {{bias.largest(), bias.rest()}, hubs.hits() >= theta};
}

SinkhornScaling scaled(const Bank& bank, int64_t items, double tau, int64_t rounds) {
  GLINT_CHECK(rounds > 0, "rounds ", rounds);
  SinkhornScaling scaling(items, tau);
  for (int64_t round = 0; round < rounds; ++round) {
    int64_t queries = 0;
    bank([&](const torch::Tensor& block) {
      scaling.add(block);
      queries += block.size(0);
    });
    if (queries == 0) {
      throw Error(
          "eval.postprocess = sinkhorn needs the scores of training queries or test queries, and its bank "
          "has none: give another");
    }
    scaling.end_round();
  }
  return scaling;
}

// The means of every item's k largest scores, times `share`.
QueryTransform subtract_nearest(const Bank& bank, int64_t items, int64_t k, double share) {
  NearestMean nearest(items, k);
  bank([&](const torch::Tensor& block) { nearest.add(block); });
  return subtract_biases(nearest.means() * share);
}

struct Preparation {
  static constexpr auto kT2v = Direction::kTextToVideo;
  static constexpr auto kV2t = Direction::kVideoToText;

  const Scores& scores;
  const DirectionBanks& banks;
  const ScoreRange range;

  Bank t2v_bank() const { return banks.t2v ? banks.t2v : bank_of(scores, kT2v); }
  Bank v2t_bank() const { return banks.v2t ? banks.v2t : bank_of(scores, kV2t); }
  int64_t texts() const { return scores.texts(); }
  int64_t videos() const { return scores.videos(); }

  DirectionTransforms operator()(const NoPostprocess&) const { return {}; }

  DirectionTransforms operator()(const DslSettings& c) const {
    using Dsl = DslTransform;
    return {Dsl(own_norm(scores, kT2v, c.tau), Dsl::NormOf::kItem, c.tau, safe_root(range, c.tau, texts())),
            Dsl(own_norm(scores, kV2t, c.tau), Dsl::NormOf::kItem, c.tau, safe_root(range, c.tau, videos()))};
  }

  DirectionTransforms operator()(const DslSharedSettings& c) const {
    using Dsl = DslTransform;
    const auto norm = own_norm(scores, kT2v, c.tau);  // of videos
    const double root = safe_root(range, c.tau, texts());
    return {Dsl(norm, Dsl::NormOf::kItem, c.tau, root), Dsl(norm, Dsl::NormOf::kQuery, c.tau, root)};
  }

  DirectionTransforms operator()(const InvertedSoftmaxSettings& c) const {
    return {subtract_norm(softmax_norm(t2v_bank(), videos(), c.beta, "is")),
            subtract_norm(softmax_norm(v2t_bank(), texts(), c.beta, "is"))};
  }

  DirectionTransforms operator()(const QbNormSettings& c) const {
    return {qb_norm_transform(t2v_bank(), videos(), c.beta, c.k, c.theta),
            qb_norm_transform(v2t_bank(), texts(), c.beta, c.k, c.theta_v2t.value_or(c.theta))};
  }

  DirectionTransforms operator()(const NnnSettings& c) const {
    return {subtract_nearest(t2v_bank(), videos(), c.k, c.alpha), subtract_nearest(v2t_bank(), texts(), c.k, c.alpha)};
  }

  DirectionTransforms operator()(const SinkhornSettings& c) const {
    DirectionTransforms transforms;
    if (!banks.t2v || !banks.v2t) {
      const auto own = scaled(bank_of(scores, kT2v), videos(), c.tau, c.rounds.value_or(5));
      transforms = {subtract_biases(own.item_biases()), subtract_biases(own.query_biases())};
    }
    const auto of_bank = [&](const Bank& bank, int64_t items) {
      return subtract_biases(scaled(bank, items, c.tau, c.rounds.value_or(10)).item_biases());
    };
    if (banks.t2v) transforms.t2v = of_bank(banks.t2v, videos());
    if (banks.v2t) transforms.v2t = of_bank(banks.v2t, texts());
    return transforms;
  }

  DirectionTransforms operator()(const CslsSettings& c) const {
    return {subtract_nearest(bank_of(scores, kT2v), videos(), c.k, 0.5),
            subtract_nearest(bank_of(scores, kV2t), texts(), c.k, 0.5)};
  }
};

}  // namespace

std::string postprocess_signature(const Postprocess& method, const std::string& bank) {
  return std::visit(
      Overloaded{
          [](const NoPostprocess&) { return std::string("none"); },
          [](const DslSettings& c) { return concat("dsl(tau=", c.tau, ")"); },
          [](const DslSharedSettings& c) { return concat("dsl_shared(tau=", c.tau, ")"); },
          [&](const InvertedSoftmaxSettings& c) { return concat("is(beta=", c.beta, ",bank=", bank, ")"); },
          [&](const QbNormSettings& c) {
            const auto theta_v2t = c.theta_v2t ? concat(",theta_v2t=", *c.theta_v2t) : std::string();
            return concat("qb_norm(k=", c.k, ",beta=", c.beta, ",theta=", c.theta, theta_v2t, ",bank=", bank, ")");
          },
          [&](const NnnSettings& c) { return concat("nnn(k=", c.k, ",alpha=", c.alpha, ",bank=", bank, ")"); },
          [&](const SinkhornSettings& c) {
            const auto rounds = c.rounds ? concat(",rounds=", *c.rounds) : std::string();
            return concat("sinkhorn(tau=", c.tau, rounds, ",bank=", bank, ")");
          },
          [](const CslsSettings& c) { return concat("csls(k=", c.k, ")"); },
      },
      method);
}

bool uses_bank(const Postprocess& method) {
  return std::holds_alternative<InvertedSoftmaxSettings>(method) || std::holds_alternative<QbNormSettings>(method) ||
         std::holds_alternative<NnnSettings>(method) || std::holds_alternative<SinkhornSettings>(method);
}

DirectionTransforms prepare_postprocess(const Postprocess& method, const Scores& scores, const DirectionBanks& banks) {
  const bool is_none = std::holds_alternative<NoPostprocess>(method);
  const auto range = is_none ? ScoreRange{} : checked_range(scores);
  return std::visit(Preparation{scores, banks, range}, method);
}

QueryTransform subtract_biases(const torch::Tensor& biases) {
  GLINT_CHECK(biases.dim() == 1 && biases.scalar_type() == torch::kFloat64, "biases ", biases.toString(), " ",
              biases.sizes());
  return [biases](const torch::Tensor& rows, int64_t) { return float64_copy(rows).sub_(biases); };
}

torch::Tensor dual_softmax(const torch::Tensor& scores, double tau) {
  GLINT_CHECK(scores.dim() == 2, "scores ", scores.sizes());
  if (scores.numel() == 0) return float64_copy(scores);
  return DslTransform(own_norm(scores, Direction::kTextToVideo, tau), DslTransform::NormOf::kItem, tau, /*root=*/1)(
      scores, 0);
}

torch::Tensor log_dual_softmax(const torch::Tensor& scores, double tau) {
  GLINT_CHECK(scores.dim() == 2, "scores ", scores.sizes());
  auto result = float64_copy(scores);  // [N, G]
  if (scores.numel() == 0) return result;
  const auto norm = own_norm(scores, Direction::kTextToVideo, tau);
  return result.sub(norm.largest).sub_(norm.rest).mul_(tau).add_(result.abs().log_());
}

torch::Tensor qb_norm(const torch::Tensor& scores, const torch::Tensor& train, double beta, int64_t k, int64_t theta) {
  GLINT_CHECK(scores.dim() == 2 && train.dim() == 2 && scores.size(1) == train.size(1), "scores ", scores.sizes(),
              ", train ", train.sizes());
  const auto transform = qb_norm_transform(bank_of(train), scores.size(1), beta, k, theta);
  auto result = float64_copy(scores);
  if (scores.numel() == 0) return result;
  const auto ranked = transform(scores, 0);
  for (int64_t i = 0; i < scores.size(0); ++i) {
    auto row = result[i];
    if (transform.normalises(row.const_data_ptr<double>(), row.size(0))) row.copy_((ranked[i] * beta).exp_());
  }
  return result;
}

}  // namespace glint
