#include "app/explain_pairs.h"

#include <torch/torch.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/json.h"
#include "glint/core/log.h"
#include "glint/core/progress.h"
#include "glint/data/clip_source.h"
#include "glint/datasets/dataset.h"
#include "glint/eval/feature_source.h"
#include "glint/weights/checkpoint.h"

namespace glint::app {
namespace {

namespace fs = std::filesystem;
using KeptJson = nlohmann::json;

constexpr int kExplanationsFormat = 1;

// The tokens' weights as those of the caption's words. Empty where the words' tokens are not the caption's.
std::vector<ShownWord> words_of(const Tokenizer& tokenizer, const std::string& caption,
                                const std::vector<double>& weights) {
  std::vector<ShownWord> words;
  if (weights.empty()) return words;
  std::istringstream split(caption);
  std::vector<int64_t> ids;
  std::size_t token = tokenizer.start_id() >= 0 ? 1 : 0;
  for (std::string word; split >> word;) {
    const auto of_word = tokenizer.encode(word);
    ids.insert(ids.end(), of_word.begin(), of_word.end());
    double weight = 0;
    for (std::size_t i = 0; i < of_word.size() && token < weights.size(); ++i) weight += weights[token++];
    words.push_back({word, weight});
  }
  return ids == tokenizer.encode(caption) ? words : std::vector<ShownWord>();
}

KeptJson to_json(const ShownExplanation& one) {
  KeptJson json = {
      {"parts", one.parts}, {"frames", one.frames}, {"frame_parts", one.frame_parts}, {"words", KeptJson::array()}};
  for (const auto& word : one.words) json["words"].push_back({word.text, word.weight});
  return json;
}

ShownExplanation from_json(const KeptJson& json) {
  ShownExplanation one;
  json.at("parts").get_to(one.parts);
  json.at("frames").get_to(one.frames);
  json.at("frame_parts").get_to(one.frame_parts);
  for (const auto& word : json.at("words")) one.words.push_back({word.at(0), word.at(1)});
  return one;
}

class PairExplainer {
 public:
  PairExplainer(const RunRecord& run, const std::string& model_hash) : run_(run), model_hash_(model_hash) {
    for (const auto& query : run.evaluation.ranks.queries) captions_[query.id] = query.caption;
  }

  // False: they cannot be explained, and why has been said.
  bool load() try {
    auto checkpoint = load_checkpoint(run_.folder / "checkpoints" / run_.results.word("checkpoint"));
    if (run_.results.word("weights") == "moving_average") take_average(checkpoint);
    model_ = restore_model(checkpoint, Weights::kShared);
    model_->eval();
    if (fingerprint(*model_) != model_hash_) {
      log_warning(run_.folder.string(),
                  ": its weights are not those that were evaluated any more; pairs stay unexplained");
      return false;
    }
    tokenizer_ = checkpoint.tokenizer;
    config_ = run_.config.value_or(checkpoint.config);
    source_ = std::make_unique<ClipSource>(config_.data, config_.video);
    for (auto& clip : read_dataset(config_.data, run_.results.word("split")).clips) clips_.emplace(clip.id, clip);
    return true;
  } catch (const Error& problem) {
    log_warning("pairs stay unexplained: ", problem.what());
    return false;
  }

  std::optional<ShownExplanation> explain(const ShownPair& pair) {
    const torch::NoGradGuard no_grad;
    const auto caption = captions_.find(pair.query);
    const auto* video = video_of(pair.video);
    if (caption == captions_.end() || caption->second.empty() || video == nullptr) return std::nullopt;
    const auto why = model_->head().explain(tower_features(work(), {caption->second}), *video);
    return ShownExplanation{.parts = why.parts,
                            .frames = why.frames,
                            .frame_parts = why.frame_parts,
                            .words = words_of(*tokenizer_, caption->second, why.words)};
  }

 private:
  TowerWork work() const {
    return {*model_, *tokenizer_, config_.text.max_words, config_.eval.batch_size, config_.data.workers, "fp32"};
  }

  const VideoFeatures* video_of(const std::string& id) {
    if (const auto known = videos_.find(id); known != videos_.end()) return &known->second;
    const auto clip = clips_.find(id);
    if (clip == clips_.end() || clip->second.file.empty()) return nullptr;
    const auto read = source_->read(clip->second);
    if (!read.error.empty()) return nullptr;
    return &videos_.emplace(id, tower_features(work(), read.frames.unsqueeze(0), read.mask.unsqueeze(0))).first->second;
  }

  const RunRecord& run_;
  std::string model_hash_;
  std::map<std::string, std::string> captions_;  // by the query's id
  std::map<std::string, Clip> clips_;
  std::map<std::string, VideoFeatures> videos_;
  Config config_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::shared_ptr<RetrievalModel> model_;
  std::unique_ptr<ClipSource> source_;
};

fs::path kept_file(const RunRecord& run) {
  return run.evaluation.folder / "explanations.json";
}

// By query and video. Of other weights, or no such file any more: none.
std::map<std::pair<std::string, std::string>, ShownExplanation> read_kept_pairs(const fs::path& file,
                                                                                const std::string& model) try {
  std::map<std::pair<std::string, std::string>, ShownExplanation> kept;
  if (!files::exists(file)) return kept;
  const auto json = parse_json_object(read_file(file), file.string());
  if (json.value("format", 0) != kExplanationsFormat || json.value("model", "") != model) return kept;
  for (const auto& one : json.at("pairs")) kept[{one.at("query"), one.at("video")}] = from_json(one);
  return kept;
} catch (const KeptJson::exception&) {
  return {};
} catch (const BadFile&) {
  return {};
}

}  // namespace

void add_explanations(const RunRecord& run, std::size_t index, const std::vector<ShownPair>& pairs,
                      ReportMedia& media) {
  const auto model = run.results.word("model");
  if (model.empty() || !files::is_folder(run.folder / "checkpoints")) return;
  auto kept = read_kept_pairs(kept_file(run), model);
  std::vector<ShownPair> missing;
  for (const auto& pair : pairs) {
    if (pair.run != index) continue;
    const auto known = kept.find({pair.query, pair.video});
    if (known == kept.end()) {
      missing.push_back(pair);
    } else {
      media.explanations[pair] = known->second;
    }
  }
  if (missing.empty()) return;
  PairExplainer explainer(run, model);
  if (!explainer.load()) return;
  {
    Progress progress("explain pairs for the report", std::ssize(missing), "pairs");
    for (std::size_t i = 0; i < missing.size(); ++i) {
      auto why = explainer.explain(missing[i]);
      progress.update(static_cast<int64_t>(i + 1));
      if (!why) continue;
      kept[{missing[i].query, missing[i].video}] = *why;
      media.explanations[missing[i]] = std::move(*why);
    }
  }
  KeptJson json = {{"format", kExplanationsFormat}, {"model", model}, {"pairs", KeptJson::array()}};
  for (const auto& [pair, why] : kept) {
    auto one = to_json(why);
    one["query"] = pair.first;
    one["video"] = pair.second;
    json["pairs"].push_back(std::move(one));
  }
  try {
    write_file(kept_file(run), json_text(json) + "\n");
  } catch (const Error& problem) {
    log_warning("explanations are not kept for the next report: ", problem.what());
  }
}

}  // namespace glint::app
