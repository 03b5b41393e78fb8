#include <ATen/ATen.h>
#include <torch/utils.h>

#include <algorithm>
#include <numeric>
#include <variant>

#include "glint/core/error.h"
#include "glint/model/head_descriptor.h"

namespace glint {
namespace {

// What `ask(descriptor, settings)` says of the head that `head` chooses.
template <class Ask>
auto visit_head(const HeadConfig& head, const Ask& ask) {
  return std::visit([&](const auto& config) { return ask(descriptor(config), config); }, head);
}

// `ask(descriptor)` of every head, in HeadConfig's order.
template <std::size_t... Index, class Ask>
void for_each_head(std::index_sequence<Index...>, const Ask& ask) {
  (ask(descriptor(std::variant_alternative_t<Index, HeadConfig>{})), ...);
}

constexpr std::make_index_sequence<std::variant_size_v<HeadConfig>> kAllHeads;

}  // namespace

std::shared_ptr<RetrievalHead> make_head(const HeadConfig& config, const FeatureShape& shape, double dropout) {
  return visit_head(config, [&](const auto& head, auto settings) {
    if constexpr (requires { settings.dropout; }) {
      if (dropout >= 0) settings.dropout = dropout;
    }
    return head.make(settings, shape);
  });
}

std::vector<MatrixProduct> pair_products(const HeadConfig& config, const HeadSizes& sizes, int64_t texts,
                                         int64_t videos) {
  return visit_head(config, [&](const auto& head, const auto& settings) {
    return head.pair_products(settings, sizes, texts, videos);
  });
}

HeadCost head_cost(const HeadConfig& config, const HeadSizes& sizes) {
  return std::visit([&](const auto& settings) { return cost_of(settings, sizes); }, config);
}

std::shared_ptr<RetrievalHead> make_literal(const HeadConfig& config, const FeatureShape& shape,
                                            const RetrievalHead& fast) {
  return visit_head(config,
                    [&](const auto& head, const auto& settings) { return head.literal(settings, shape, fast); });
}

double literal_floats(const HeadConfig& config, const HeadSizes& sizes, bool train) {
  return visit_head(config, [&](const auto& head, const auto&) { return head.literal_floats(sizes, train); });
}

ReleasedSystem released_system(const HeadConfig& config) {
  return visit_head(config, [](const auto& head, const auto&) { return head.released(); });
}

std::vector<std::string> released_systems() {
  std::vector<std::string> names;
  for_each_head(kAllHeads, [&](const auto& head) {
    const auto name = head.released().name;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  });
  return names;
}

HeadConfig released_head(const TensorMap& weights) {
  HeadConfig found = MeanPoolConfig{};
  for_each_head(kAllHeads, [&](const auto& head) {
    if (const auto settings = head.of_released(weights)) found = *settings;
  });
  return found;
}

PairExplanation RetrievalHead::explain(const TextFeatures& text, const VideoFeatures& video) {
  GLINT_CHECK(size(text) == 1 && size(video) == 1, size(text), " texts, ", size(video), " videos");
  GLINT_CHECK(!is_training(), "the head is in training mode");
  const torch::NoGradGuard no_grad;
  return explain_pair(text, video);
}

std::vector<double> to_numbers(const torch::Tensor& x) {
  const auto entries = x.detach().to(torch::kCPU, torch::kFloat64).contiguous();
  const auto* begin = entries.const_data_ptr<double>();
  return {begin, begin + entries.numel()};
}

ShardOutput RetrievalHead::score_shard(const TextFeatures& text, const VideoFeatures& video, int64_t begin,
                                       int64_t end) {
  const auto rows = score(slice(text, begin, end), video);
  const bool whole = end - begin == size(text);
  return {rows, whole ? rows : score(text, slice(video, begin, end)), /*sums=*/{}};
}

HeadOutput RetrievalHead::score_pairs(const TextFeatures& text, const VideoFeatures& video) {
  const auto pairs = size(text);
  const auto shard = score_shard(text, video, 0, pairs);
  return {shard.text_scores, shard.sums.defined() ? losses(shard.sums, pairs) : std::vector<AuxLoss>()};
}

}  // namespace glint
