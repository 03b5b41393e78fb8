#include "glint/weights/initialisation.h"

#include <torch/torch.h>

#include <cmath>
#include <tuple>

#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/log.h"
#include "glint/data/clip_stream.h"
#include "glint/model/short_run_initialisation.h"
#include "glint/weights/checkpoint.h"
#include "glint/weights/tower_weights.h"
#include "weights/unimported.h"

namespace glint {
namespace {

constexpr int64_t kStartPatches = 40'000;  // some 200 clips of 12 frames in 16 patches

void check_sizes(const Config& config, const TowerSizes& sizes, int64_t vocabulary_size) {
  const auto& weights = config.model.weights;
  if (sizes.image_size != config.video.image_size) {
    throw Error(weights, ": is made for pictures of ", sizes.image_size,
                " pixels; set video.image_size=", sizes.image_size);
  }
  const bool unlike = sizes.vocabulary_size < vocabulary_size ||
                      (sizes.vocabulary_size == kClipVocabularySize && vocabulary_size != kClipVocabularySize);
  if (unlike) {
    throw Error(weights, ": knows ", sizes.vocabulary_size, " tokens, and the tokenizer '", config.text.tokenizer,
                "' gives ", vocabulary_size, "; set text.tokenizer to the one the weights were trained with");
  }
  if (config.text.max_words > sizes.context_length) {
    throw Error("text.max_words ", config.text.max_words, " exceeds the text tower's context length of ",
                sizes.context_length);
  }
}

// Of a checkpoint (glint import, a run) its towers, and its temporal encoder and head where they are of the kind that
// `config` asks for; their moving average where the run kept one.
TensorMap initial_weights(const Config& config) {
  const std::filesystem::path path = config.model.weights;
  if (!files::is_folder(path)) return read_safetensors(path).tensors;
  auto checkpoint = load_checkpoint(path);
  take_average(checkpoint);
  if (!checkpoint.assumed.empty()) log_info(path.string(), ": when it was imported, ", checkpoint.assumed);
  const bool same_temporal = checkpoint.config.model.temporal == config.model.temporal;
  const bool same_head = head_name(checkpoint.config.head) == head_name(config.head);
  std::erase_if(checkpoint.model, [&](const auto& entry) {
    return (!same_temporal && entry.first.starts_with("temporal.")) || (!same_head && entry.first.starts_with("head."));
  });
  return std::move(checkpoint.model);
}

void log_loaded(const Config& config, const TowerSizes& sizes, const LoadedParts& loaded) {
  std::string fresh;
  if (!loaded.temporal && config.model.temporal != "none") fresh += "temporal encoder";
  if (!loaded.head && !std::holds_alternative<MeanPoolConfig>(config.head)) fresh += fresh.empty() ? "head" : ", head";
  log_info("weights from ", config.model.weights, ": ",
           loaded.towers ? concat("towers (", sizes.vision_layers, " image and ", sizes.text_layers, " text layers, ",
                                  sizes.image_size, " pixels, tokenizer ", config.text.tokenizer, ")")
                         : "no towers",
           loaded.temporal ? ", temporal encoder" : "", loaded.head ? ", head" : "",
           fresh.empty() ? "" : concat("; not in them: ", fresh));
}

// Where the weights were trained with InfoNCE, whose scale of 100 would give every pair a large logit: the sigmoid loss
// starts as it was published (Zhai et al. 2023, section 3.2).
void initialise_for_sigmoid(RetrievalModel& model) {
  const torch::NoGradGuard no_grad;
  model.clip().logit_scale.fill_(std::log(10.0));
  model.clip().logit_bias.fill_(-10);
}

// `asked` against `adopted`, of the keys that were given.
void check_contradictions(const Config& asked, const Config& adopted, const std::set<std::string>& given) {
  const auto before = list_settings(asked), after = list_settings(adopted);
  std::string faults, mend;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const auto& [key, value] = std::tie(before[i].key, before[i].value);
    if (value == after[i].value || given.count(key) == 0) continue;
    faults += faults.empty() ? concat(key, " is ", value, ", and ", asked.model.weights, " is for ", after[i].value)
                             : concat("; ", key, " is ", value, ", and it is for ", after[i].value);
    mend += concat(mend.empty() ? "" : " ", key, "=", after[i].value);
  }
  if (!faults.empty()) throw Error(faults, "; set ", mend);
}

// What the weights of a head or a temporal encoder of one kind fix.
bool is_of_same_kind(const Setting& setting, const Config& config, const Config& theirs) {
  const bool same_head = head_name(config.head) == head_name(theirs.head);
  if (setting.key == "model.temporal_layers") {
    return config.model.temporal == "seq_transf" && theirs.model.temporal == "seq_transf";
  }
  if (setting.key == "text.max_words" || setting.key == "video.num_frames") {
    return same_head && fixes_lengths(config.head);
  }
  return same_head && setting.rule.role == SettingRole::kWeights && setting.key.starts_with("head.");
}

}  // namespace

void adopt_towers(Config& config, const std::set<std::string>& given) {
  const std::filesystem::path weights = config.model.weights;
  if (weights.empty()) return;
  require_readable_weights(weights);
  if (!files::is_folder(weights)) return;
  const auto asked = config;
  const auto [folder, theirs] = read_checkpoint_settings(weights);
  config.model.towers = theirs.model.towers;
  config.video.image_size = theirs.video.image_size;
  config.video.fit = theirs.video.fit;
  // Imported towers are taken for CLIP's tokenizer; those with a table of another size may have had another one, which
  // make_model() can tell.
  const bool is_asked = theirs.text.tokenizer == "clip" && given.count("text.tokenizer") != 0;
  if (!is_asked) config.text.tokenizer = theirs.text.tokenizer;
  if (theirs.text.tokenizer == "siglip") config.text.max_words = theirs.text.max_words;  // of its last position
  take_settings(config, theirs, [&](const Setting& setting) { return is_of_same_kind(setting, asked, theirs); });
  check_contradictions(asked, config, given);
  if (theirs.text.tokenizer != "clip") {
    if (config.text.vocabulary.empty()) config.text.vocabulary = (folder / "tokenizer.model").string();
  } else if (const auto beside = folder / kClipVocabularyFile;
             config.text.tokenizer == "clip" && files::exists(beside)) {  // of a deployment
    if (config.text.vocabulary.empty()) config.text.vocabulary = beside.string();
  }
}

std::string initialisation_fault(const Config& config) {
  constexpr double kLargestForTrained = 1e-5;  // of the recipes' rates for towers that bring weights
  const double rate = config.optim.clip_lr;
  if (!config.model.weights.empty() || rate == 0 || rate > kLargestForTrained) return "";
  return concat("model.weights is empty, and optim.clip_lr=", rate,
                " would hardly change towers that start at random; set model.weights to a checkpoint of glint import, "
                "or optim.clip_lr=",
                config.optim.lr, " to train from nothing");
}

std::shared_ptr<const Tokenizer> make_tokenizer(const TextConfig& config, const std::vector<std::string>& captions) {
  if (config.tokenizer == "clip") return clip_tokenizer(config.vocabulary);
  if (config.tokenizer == "siglip") {
    if (config.vocabulary.empty())
      throw Error("config.text.vocabulary: siglip needs the file of its model, spiece.model");
    return siglip_tokenizer_of_file(config.vocabulary);
  }
  if (!config.vocabulary.empty()) return sentencepiece_tokenizer_of_file(config.vocabulary);
  return train_sentencepiece(captions, config.vocabulary_size);
}

std::shared_ptr<RetrievalModel> make_model(const Config& config, int64_t vocabulary_size) {
  TensorMap weights;
  TowerSizes sizes = tower_sizes(config.model.towers, config.video.image_size, vocabulary_size);
  if (!config.model.weights.empty()) {
    weights = initial_weights(config);
    sizes = tower_sizes(weights, config.model.towers);
  }
  sizes.has_logit_bias |= config.train.loss == "sigmoid";
  check_sizes(config, sizes, vocabulary_size);
  torch::manual_seed(static_cast<std::uint64_t>(config.train.seed));
  const FeatureShape shape{sizes.embed_dim, config.text.max_words, config.video.num_frames};
  auto model = std::make_shared<RetrievalModel>(config.model, config.head, sizes, shape);
  if (!weights.empty()) log_loaded(config, sizes, load_pretrained(*model, weights));
  const bool has_bias = weights.count("logit_bias") + weights.count("clip.logit_bias") > 0;
  if (config.train.loss == "sigmoid" && !has_bias) initialise_for_sigmoid(*model);
  return model;
}

void initialise_from_clips(const Config& config, const Dataset& dataset, ClipSource& source, RetrievalModel& model) {
  if (config.model.start != "short_run") return;
  PatchMoments moments(config.model.towers.patch_size);
  ClipStream stream(dataset.clips, source, config.data.workers, /*ahead=*/2 * config.data.workers);
  for (std::size_t i = 0; i < dataset.clips.size() && moments.patches() < kStartPatches; ++i) {
    const auto clip = stream.next();
    const int64_t frames = clip.mask.sum().item<int64_t>();  // the real ones stand first
    if (frames > 0) moments.add(clip.frames.slice(0, 0, frames));
  }
  if (moments.patches() == 0) {
    throw Error("config.model.start is short_run, which looks at the training clips, and none of them can be read");
  }
  initialise_for_short_run(model, moments);
}

}  // namespace glint
