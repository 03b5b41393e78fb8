#include "glint/weights/import.h"

#include <torch/torch.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/io/state_dict.h"
#include "glint/model/head_descriptor.h"
#include "glint/model/retrieval_model.h"
#include "glint/nn/initialisation.h"
#include "glint/weights/tower_weights.h"
#include "weights/families.h"
#include "weights/tower_description.h"
#include "weights/unimported.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kWords = 32;           // of a caption, where weights do not tell it
constexpr int64_t kUsualHeadWidth = 64;  // columns

void use_temporal_encoder(const TensorMap& weights, ModelConfig& model) {
  model.temporal = "none";
  if (has_prefix(weights, "transformerClip.")) {
    model.temporal = "seq_transf";
    model.temporal_layers = count_numbered(weights, "transformerClip.resblocks.");
  } else if (has_prefix(weights, "lstm_visual.")) {
    model.temporal = "seq_lstm";
  }
}

// --- one import

const fs::path& existing(const fs::path& from) {
  if (!files::exists(from)) throw Error(from.string(), ": is not there", how_to_fetch(from));
  return from;
}

class Import {
 public:
  Import(const fs::path& from, const ImportOptions& options)
      : options_(options), file_(read_weights(existing(from))), known_(recognise(file_)) {}

  ImportedModel run() {
    model_.what = family_text(known_.family);
    towers_ = import_towers(tower_weights(), tower_names(), described_towers(), file_.path.string());
    check_against_description();
    check_widths("image", described_.image, described_.towers.vision_heads, towers_.sizes.vision_width);
    check_widths("text", described_.text, described_.towers.text_heads, towers_.sizes.text_width);
    check_heads("image", towers_.sizes.vision_width, towers_.sizes.vision_heads);
    check_heads("text", towers_.sizes.text_width, towers_.sizes.text_heads);
    note_assumed();
    if (options_.image_size != 0 && options_.image_size != towers_.sizes.image_size) resize_positions();
    describe();
    use_tokenizer();
    if (known_.family == WeightFamily::kRetrieval || known_.family == WeightFamily::kXpool) {
      take_system();
    } else {
      check_wanted(known_.family == WeightFamily::kHuggingFaceSiglip ? "siglip" : "clip");
      for (const auto& [name, tensor] : towers_.weights) model_.weights["clip." + name] = tensor;
    }
    if (!known_.wrapper.empty()) model_.what += concat(" (", known_.wrapper, ")");
    if (!known_.outside.empty()) model_.remarks.push_back(known_.outside);
    return std::move(model_);
  }

 private:
  bool is_system() const { return known_.family == WeightFamily::kRetrieval || known_.family == WeightFamily::kXpool; }
  TensorMap tower_weights() const { return is_system() ? without_prefix(known_.weights, "clip.") : known_.weights; }
  WeightNames tower_names() const {
    const bool openai = known_.family == WeightFamily::kClip || known_.family == WeightFamily::kRetrieval;
    return openai ? WeightNames::kOpenAi : WeightNames::kHuggingFace;
  }

  // OpenAI's own archives: QuickGELU, and heads of 64 columns.
  bool is_openais_own() const {
    const auto* mark = "input_resolution";
    return file_.scalars.count(mark) > 0 || known_.weights.count(mark) > 0;
  }

  TowerConfig described_towers() {
    described_ = describe_towers(known_.family, file_.path.parent_path());
    auto towers = described_.towers;
    if (!options_.activation.empty()) towers.activation = options_.activation;
    if (options_.heads) {
      towers.vision_heads = options_.heads->image;
      towers.text_heads = options_.heads->text;
    }
    return towers;
  }

  void check_against_description() const {
    if (described_.file.empty()) return;
    const auto& activation = described_.towers.activation;
    if (!options_.activation.empty() && options_.activation != activation) {
      throw Error("--activation ", options_.activation, ": ", described_.file.string(), " says ", activation,
                  "; leave --activation out");
    }
    if (!options_.heads) return;
    const auto told = [](int64_t heads, int64_t width) { return heads > 0 ? heads : width / kUsualHeadWidth; };
    const auto image = described_.image.says_heads ? told(described_.towers.vision_heads, towers_.sizes.vision_width)
                                                   : options_.heads->image;
    const auto text = described_.text.says_heads ? told(described_.towers.text_heads, towers_.sizes.text_width)
                                                 : options_.heads->text;
    if (image == options_.heads->image && text == options_.heads->text) return;
    throw Error("--heads ", options_.heads->image, ",", options_.heads->text, ": ", described_.file.string(), " says ",
                image, " heads of the image tower and ", text, " of the text tower; leave --heads out");
  }

  // A description that belongs to other weights gives other features without a word.
  void check_widths(const char* tower, const DescribedTower& described, int64_t heads, int64_t width) {
    if (described.width == 0) return;
    const auto file = described_.file.string();
    if (described.says_width && described.width != width) {
      throw Error(file, ": says that the ", tower, " tower has ", described.width, " columns, and that of ",
                  file_.path.string(), " has ", width, "; it describes another model");
    }
    if (described.says_heads || options_.heads) return;
    if (described.width != width) {
      throw Error(file, ": does not say how many heads the ", tower, " tower has, and the default of ",
                  described.default_of, ", ", heads, ", belongs to ", described.width, " columns, where this one has ",
                  width, "; --heads IMAGE,TEXT says how many there are");
    }
    model_.remarks.push_back(concat(file, ": does not say how many heads the ", tower, " tower has: ", heads,
                                    " are taken, the default of ", described.default_of));
  }

  // How many heads there are changes no shape, so nothing else would notice.
  void check_heads(const char* tower, int64_t width, int64_t heads) const {
    if (heads > 0 ? width % heads == 0 : width % kUsualHeadWidth == 0) return;
    const auto columns = concat("the ", tower, " tower's ", width, " columns");
    if (options_.heads) throw Error("--heads: ", heads, " heads do not divide ", columns);
    if (heads > 0) throw Error(described_.file.string(), ": says ", heads, " heads, which do not divide ", columns);
    throw Error(file_.path.string(), ": nothing says how many heads its towers have, and heads of ", kUsualHeadWidth,
                " do not divide ", columns, "; --heads IMAGE,TEXT says how many there are");
  }

  void note_assumed() {
    if (!described_.file.empty() || is_openais_own()) return;
    const auto& sizes = towers_.sizes;
    std::string what;
    if (!options_.heads) {
      what = concat("heads of ", kUsualHeadWidth, " columns, ", sizes.vision_width / kUsualHeadWidth,
                    " in the image tower and ", sizes.text_width / kUsualHeadWidth, " in the text tower (--heads)");
    }
    if (options_.activation.empty()) {
      const auto activation = tower_config(sizes).activation;
      what = concat("the activation ", activation, " (--activation)", what.empty() ? "" : "; ", what);
    }
    if (!what.empty()) model_.assumed = concat("nothing described the towers, so these were assumed: ", what);
  }

  void resize_positions() {
    auto& positions = towers_.weights.at("visual.positional_embedding");
    model_.remarks.push_back(concat("positions of the image tower interpolated from ", towers_.sizes.image_size, " to ",
                                    options_.image_size, " pixels"));
    positions = resized_positions(positions, options_.image_size, towers_.sizes);
  }

  // The settings that the towers ask for.
  void describe() {
    const auto& sizes = towers_.sizes;
    auto& config = model_.config;
    config.model.towers = tower_config(sizes);
    config.video.image_size = sizes.image_size;
    config.text.max_words = std::min(kWords, sizes.context_length);
    config.head = MeanPoolConfig{};
    config.model.temporal = "none";
    if (sizes.kind == TowerKind::kSiglip) {
      config.text.tokenizer = "siglip";
      config.video.fit = "squash";
      config.text.max_words = sizes.context_length;  // its feature is that of the last position
      config.train.loss = "sigmoid";
    }
  }

  void use_tokenizer() {
    if (model_.config.text.tokenizer == "siglip") {
      const auto path = file_.path.parent_path() / "spiece.model";
      if (!files::exists(path)) {
        throw Error(path.string(),
                    ": is missing; SigLIP's tokenizer lies beside its weights (SigLIP 2, which brings "
                    "tokenizer.json alone, is not read)");
      }
      model_.tokenizer = siglip_tokenizer_of_file(path.string());
    } else {
      model_.tokenizer = clip_tokenizer();
    }
    if (towers_.sizes.vocabulary_size < model_.tokenizer->vocabulary_size()) {
      model_.remarks.push_back(concat("the text tower knows ", towers_.sizes.vocabulary_size, " tokens, its tokenizer ",
                                      model_.tokenizer->vocabulary_size(), ": captions may not be encoded"));
    }
  }

  void check_wanted(const std::string& found) const {
    if (options_.as.empty() || options_.as == found || (options_.as == "centerclip" && found == "clip4clip")) return;
    throw Error(file_.path.string(), ": holds ", found, ", not ", options_.as, " as --as says");
  }

  // Head and temporal encoder of a released system.
  void take_system() {
    auto& config = model_.config;
    config.head = released_head(known_.weights);
    const auto system = released_system(config.head);
    if (system.has_hugging_face_names != (known_.family == WeightFamily::kXpool)) {
      throw Error(file_.path.string(), ": has the towers of ", family_text(known_.family), " and the head of ",
                  system.name, ", which no released system has");
    }
    check_wanted(system.name);
    model_.what = concat("a checkpoint of ", options_.as.empty() ? system.name : options_.as);
    use_temporal_encoder(known_.weights, config.model);
    config.model.text_mask = system.text_mask;
    config.video.sampling = system.sampling;
    config.text.max_words = rows_of(known_.weights, system.words_weight, config.text.max_words);
    config.video.num_frames = rows_of(known_.weights, system.frames_weight, config.video.num_frames);
    auto all = known_.weights;
    std::erase_if(all, [](const auto& entry) { return entry.first.starts_with("clip."); });
    for (const auto& [name, tensor] : towers_.weights) all["clip." + name] = tensor;
    load_system(all);
  }

  void load_system(const TensorMap& all) {
    const auto& config = model_.config;
    const FeatureShape shape{towers_.sizes.embed_dim, config.text.max_words, config.video.num_frames};
    const WithoutInitialisation weights_follow;
    RetrievalModel model(config.model, config.head, towers_.sizes, shape);
    load_released(model, all, file_.path.string());
    for (const auto& item : model.named_parameters()) model_.weights[item.key()] = item.value().detach();
  }

  ImportOptions options_;
  WeightFile file_;
  TowerDescription described_;
  KnownWeights known_;
  ImportedTowers towers_;
  ImportedModel model_;
};

}  // namespace

TowerHeads parse_tower_heads(const std::string& text) {
  const auto comma = text.find(',');
  const auto number = [&](const std::string& digits) {
    int64_t value = 0;
    const auto* end = digits.data() + digits.size();
    const auto [rest, problem] = std::from_chars(digits.data(), end, value);
    if (problem == std::errc() && rest == end && value > 0) return value;
    throw Error("--heads ", text,
                ": is no number above 0, nor two with a comma between them (image tower, text tower)");
  };
  const auto image = number(text.substr(0, comma));
  return {image, comma == std::string::npos ? image : number(text.substr(comma + 1))};
}

ImportedModel import_model(const fs::path& from, const ImportOptions& options) {
  return Import(from, options).run();
}

}  // namespace glint
