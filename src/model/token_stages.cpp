#include "model/token_stages.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "glint/core/error.h"
#include "glint/nn/token_clustering.h"

namespace glint {

namespace {

constexpr const char* kStages = "config.model.clustering.stages: ";
constexpr const char* kClusters = "config.model.clustering.clusters: ";

struct Words {
  int64_t after, segments;  // "AFTER-SEGMENTS"
};

std::optional<int64_t> number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::vector<Words> parse(const std::string& text) {
  std::vector<Words> stages;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const auto dash = std::min(word.find('-'), word.size());
    const auto after = number(std::string_view(word).substr(0, dash));
    const auto segments = dash < word.size() ? number(std::string_view(word).substr(dash + 1)) : std::nullopt;
    if (!after || !segments || *segments == 0) {
      throw Error(kStages, "'", word, "' is not BLOCK-SEGMENTS; '6-4' cuts a clip into 4 segments after block 6");
    }
    stages.push_back({*after, *segments});
  }
  return stages;
}

}  // namespace

TokenStages::TokenStages(const ClusteringConfig& config, const TowerSizes& sizes, int64_t num_frames)
    : config_(config) {
  const auto grid = sizes.image_size / sizes.patch_size;
  int64_t frames = num_frames, tokens = grid * grid, behind = -1;
  for (const auto& [after, segments] : parse(config.stages)) {
    if (after <= behind || after >= sizes.vision_layers) {
      throw Error(kStages, "block ", after, " is not between the stage before and the last of ", sizes.vision_layers,
                  " blocks");
    }
    if (segments > frames || frames % segments != 0) {
      throw Error(kStages, frames, " frames cannot be cut into ", segments, " equal segments");
    }
    const auto duration = frames / segments;
    if (config.clusters < 1 || config.clusters > duration * tokens) {
      throw Error(kClusters, config.clusters, " is not in 1 ... ", duration * tokens, ", the tokens of a segment");
    }
    stages_.push_back({after, duration});
    frames = segments;
    tokens = config.clusters;
    behind = after;
  }
}

int64_t TokenStages::duration() const {
  int64_t duration = 1;
  for (const auto& stage : stages_) duration *= stage.duration;
  return duration;
}

BlockInput TokenStages::input(int64_t index, const BlockInput& plain, int64_t frames) const {
  auto input = plain;
  for (const auto& stage : stages_) {
    if (stage.after > index) break;
    frames /= stage.duration;
    input = {frames, 1 + config_.clusters};
  }
  return input;
}

torch::Tensor TokenStages::apply(int64_t done, const torch::Tensor& tokens) const {
  for (const auto& stage : stages_) {
    if (stage.after == done) return merge_segments(tokens, stage.duration, config_);
  }
  return tokens;
}

}  // namespace glint
