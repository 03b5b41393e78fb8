#include "glint/weights/checkpoint.h"
#include "glint/core/json.h"
#include "glint/core/text_file.h"

#include <torch/torch.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/hash.h"
#include "glint/core/log.h"
#include "glint/core/temporary.h"
#include "glint/io/safetensors.h"
#include "glint/nn/initialisation.h"
#include "glint/weights/tower_weights.h"
#include "weights/unimported.h"

namespace glint {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;
constexpr const char* kModelFile = "model.safetensors";
constexpr const char* kOptimizerFile = "optimizer.safetensors";
constexpr const char* kAverageFile = "ema.safetensors";
constexpr const char* kTokenizerFile = "tokenizer.model";
constexpr const char* kConfigFile = "config.yaml";
constexpr const char* kStateFile = "state.json";

Json state_json(const fs::path& folder, const TrainState& state, const Config& config, const Tokenizer& tokenizer,
                const std::string& assumed) {
  Json json;
  json["format"] = kFormat;
  json["step"] = state.step;
  json["epoch"] = state.position.epoch;
  json["batch"] = state.position.batch;
  json["best_score"] = state.best_score;
  json["best_step"] = state.best_step;
  json["best_metric"] = config.train.select;
  json["validated_step"] = state.validated_step;
  json["stale_validations"] = state.stale_validations;
  json["bad_steps"] = state.bad_steps;
  json["loss_scale"] = state.loss_scale.scale;
  json["loss_scale_steps"] = state.loss_scale.good_steps;
  json["tokenizer"] = tokenizer.name();
  if (!assumed.empty()) json["assumed"] = assumed;
  if (state.data) {
    json["data"] = {{"clips", state.data->clips},
                    {"captions", state.data->captions},
                    {"clip_ids", state.data->clip_ids},
                    {"windows", state.data->windows},
                    {"caption_texts", state.data->caption_texts}};
  }
  for (const char* name : {kModelFile, kOptimizerFile, kAverageFile, kTokenizerFile, kConfigFile}) {
    if (files::exists(folder / name)) json["files"][name] = xxhash64_of_file(folder / name);
  }
  return json;
}

Json read_state(const fs::path& folder) {
  const auto path = folder / kStateFile;
  Json json;
  const auto bytes = read_file(path, 1 << 20);
  try {
    require_text(bytes, path.string());
    json = parse_json_object(bytes, path.string());
  } catch (const Error& error) {
    throw BadFile(error.what());
  }
  if (!json.contains("format")) throw BadFile(path.string(), ": is not a checkpoint's state: it names no format");
  if (json["format"] != kFormat) {
    throw Error(path.string(), ": has the format ", json_text(json["format"]), ", this glint knows ", kFormat);
  }
  return json;
}

// The library's words without its mark: "[json.exception.out_of_range.403] key 'epoch' not found".
[[noreturn]] void refuse_state(const fs::path& folder, const nlohmann::json::exception& error) {
  const std::string words = error.what();
  throw BadFile((folder / kStateFile).string(), ": is damaged or of another version: ",
                words.substr(words.find("] ") == std::string::npos ? 0 : words.find("] ") + 2));
}

void check_file(const fs::path& path, const Json& checksum) {
  if (!files::exists(path)) throw BadFile(path.string(), ": is missing from the checkpoint");
  if (xxhash64_of_file(path) != checksum.get<std::string>()) {
    throw BadFile(path.string(), ": does not match its checksum in ", kStateFile,
                  ", it is cut short or damaged; use another checkpoint");
  }
}

void check_files(const fs::path& folder, const Json& state) {
  for (const auto& [name, checksum] : state.at("files").items()) check_file(folder / name, checksum);
}

std::shared_ptr<const Tokenizer> read_tokenizer(const fs::path& folder, const Json& state, const TextConfig& config) {
  if (state.at("tokenizer") == "clip") {
    const auto beside = folder / kClipVocabularyFile;  // of a deployment
    const bool takes_it = config.vocabulary.empty() && files::exists(beside);
    return clip_tokenizer(takes_it ? beside.string() : config.vocabulary);
  }
  const auto bytes = read_file(folder / kTokenizerFile);
  return state.at("tokenizer") == "siglip" ? siglip_tokenizer(bytes) : sentencepiece_tokenizer(bytes);
}

// A run folder's checkpoint: the best, else the newest.
fs::path find_checkpoint(const fs::path& where) {
  if (!files::exists(where)) throw Error(where.string(), ": is not there", how_to_fetch(where));
  if (!files::is_folder(where))
    throw Error(where.string(), ": is not a folder; a run folder or a checkpoint folder is needed");
  if (files::exists(where / kStateFile)) return where;
  const auto best = where / "checkpoints" / "best";
  if (files::exists(best / kStateFile)) return files::canonical(best);
  const auto all = list_checkpoints(where);
  if (all.empty()) throw Error(where.string(), ": ", no_checkpoint_text(where));
  if (read_state(all.front()).value("best_score", -1.0) >= 0) {
    log_warning(where.string(), ": its checkpoints/best is not there, so the last checkpoint is taken, ",
                all.front().filename().string());
  }
  return all.front();
}

std::optional<DataFingerprint> read_fingerprint(const Json& state) {
  if (!state.contains("data")) return std::nullopt;
  const auto& data = state.at("data");
  return DataFingerprint{data.at("clips").get<int64_t>(), data.at("captions").get<int64_t>(),
                         data.at("clip_ids").get<std::string>(), data.at("windows").get<std::string>(),
                         data.at("caption_texts").get<std::string>()};
}

// Earlier versions validated at ends of epochs alone and kept how many of them were judged.
int64_t validated_step(const Json& state) {
  if (state.contains("validated_step")) return state.at("validated_step").get<int64_t>();
  const auto epoch_end = state.at("step").get<int64_t>() - state.at("batch").get<int64_t>();
  return state.at("validated_epochs") >= state.at("epoch") ? epoch_end : epoch_end - 1;
}

// Was it this one that a validation found best? The last checkpoint of a run without validation was chosen by nothing.
std::string selected_on(const TrainState& state, const Config& config) {
  return state.best_score >= 0 && state.step == state.best_step ? config.data.val_split : "none";
}

constexpr std::uintmax_t kSpareBytes = std::uintmax_t{4} << 20;  // for headers, tokenizer and settings

// Before anything is written: a checkpoint that does not fit must not fill the disk up first.
void check_room(const fs::path& parent, const TrainTensors& tensors) {
  std::uintmax_t bytes = kSpareBytes;
  for (const auto* map : {&tensors.model, &tensors.optimizer, &tensors.average}) {
    for (const auto& [name, tensor] : *map) bytes += tensor.nbytes();
  }
  files::make_folders(parent);
  const auto room = files::free_bytes(parent);
  if (room >= bytes) return;
  throw Error(parent.string(), ": a checkpoint needs ", bytes >> 20, " MiB and the disk has ", room >> 20,
              " MiB left; nothing was written; make room, or set train.keep lower");
}

void write_checkpoint(const fs::path& given, const Config& config, const Tokenizer& tokenizer,
                      const TrainTensors& tensors, const TrainState& state, const std::string& assumed,
                      const WriteTensor& write) {
  const auto folder = given.has_filename() ? given : given.parent_path();  // "out/"
  check_room(files::absolute(folder).parent_path(), tensors);
  const TemporaryFolder draft(folder);
  write_safetensors(draft.path() / kModelFile, tensors.model, {{"glint", "model"}}, write);
  if (!tensors.optimizer.empty()) {
    write_safetensors(draft.path() / kOptimizerFile, tensors.optimizer, {{"glint", "optimizer"}}, write);
  }
  if (!tensors.average.empty()) {
    write_safetensors(draft.path() / kAverageFile, tensors.average, {{"glint", "moving average"}}, write);
  }
  if (const auto bytes = tokenizer.serialized(); !bytes.empty()) write_file(draft.path() / kTokenizerFile, bytes);
  write_file(draft.path() / kConfigFile, config_text(config));
  write_file(draft.path() / kStateFile,
             json_text(state_json(draft.path(), state, config, tokenizer, assumed), 2) + "\n");
  files::remove_all(folder);  // of the same step: a resumed run that could not use it writes it again
  publish_folder(draft.path(), folder);
}

}  // namespace

void save_checkpoint(const fs::path& folder, const Config& config, const Tokenizer& tokenizer,
                     const TrainTensors& tensors, const TrainState& state, const WriteTensor& write) {
  write_checkpoint(folder, config, tokenizer, tensors, state, /*assumed=*/"", write);
}

void save_checkpoint(const fs::path& folder, const Config& config, const Tokenizer& tokenizer, const TensorMap& model,
                     const std::string& assumed) {
  write_checkpoint(folder, config, tokenizer, {.model = model, .optimizer = {}, .average = {}}, {}, assumed,
                   write_values);
}

TensorMap named_tensors(const RetrievalModel& model) {
  TensorMap tensors;
  for (const auto& item : model.named_parameters()) tensors[item.key()] = item.value();
  return tensors;
}

Checkpoint load_checkpoint(const fs::path& where) {
  Checkpoint checkpoint;
  checkpoint.folder = find_checkpoint(where);
  const auto state = read_state(checkpoint.folder);
  try {
    check_files(checkpoint.folder, state);
    checkpoint.state = {state.at("step").get<int64_t>(),
                        {state.at("epoch").get<int64_t>(), state.at("batch").get<int64_t>()},
                        state.at("best_score").get<double>(),
                        state.at("best_step").get<int64_t>(),
                        validated_step(state),
                        state.value("stale_validations", int64_t{0}),
                        state.value("bad_steps", int64_t{0}),
                        {state.value("loss_scale", LossScaler::kFirst), state.value("loss_scale_steps", int64_t{0})},
                        read_fingerprint(state)};
    checkpoint.config = read_config(checkpoint.folder / kConfigFile, {});
    checkpoint.assumed = state.value("assumed", std::string());
    checkpoint.selected_on = selected_on(checkpoint.state, checkpoint.config);
    checkpoint.selected_by = checkpoint.config.train.select;
    checkpoint.tokenizer = read_tokenizer(checkpoint.folder, state, checkpoint.config.text);
  } catch (const nlohmann::json::exception& error) {
    refuse_state(checkpoint.folder, error);
  }
  checkpoint.model = read_safetensors(checkpoint.folder / kModelFile).tensors;
  return checkpoint;
}

CheckpointSettings read_checkpoint_settings(const fs::path& where) {
  const auto folder = find_checkpoint(where);
  const auto state = read_state(folder);
  try {
    check_file(folder / kConfigFile, state.at("files").at(kConfigFile));
  } catch (const nlohmann::json::exception& error) {
    refuse_state(folder, error);
  }
  return {folder, read_config(folder / kConfigFile, {})};
}

Config resolve(const Checkpoint& checkpoint, const std::vector<std::string>& overrides) {
  const auto config = read_config(checkpoint.folder / kConfigFile, overrides);
  const auto trained = list_settings(checkpoint.config);
  const bool lengths = fixes_lengths(checkpoint.config.head);
  for (const auto& setting : list_settings(config)) {
    const auto& [key, value, rule] = setting;
    const auto role = rule.role;
    const auto same_key = [&setting](const Setting& other) { return other.key == setting.key; };
    const auto was = std::find_if(trained.begin(), trained.end(), same_key);
    GLINT_CHECK(was != trained.end(), key, " is a setting of another head than ", head_name(checkpoint.config.head));
    if (was->value == value) continue;
    if (role == SettingRole::kWeights || (lengths && (key == "text.max_words" || key == "video.num_frames"))) {
      throw Error(key, "=", value, ": the weights of ", checkpoint.folder.string(), " fix it to ", was->value,
                  "; leave it out, or take a checkpoint that was trained with it");
    }
    if (role == SettingRole::kTraining) {
      throw Error(key, "=", value, ": has no effect here, as it is for training alone (", checkpoint.folder.string(),
                  " was trained with ", was->value, "); leave it out");
    }
  }
  return config;
}

TensorMap load_optimizer_state(const Checkpoint& checkpoint) {
  return read_safetensors(checkpoint.folder / kOptimizerFile).tensors;
}

TensorMap load_average(const Checkpoint& checkpoint) {
  const auto path = checkpoint.folder / kAverageFile;  // one that stands in no folder has no average
  return !checkpoint.folder.empty() && files::exists(path) ? read_safetensors(path).tensors : TensorMap();
}

bool take_average(Checkpoint& checkpoint) {
  const auto average = load_average(checkpoint);
  for (const auto& [name, tensor] : average) checkpoint.model[name] = tensor;
  return !average.empty();
}

std::shared_ptr<RetrievalModel> restore_model(const Checkpoint& checkpoint, Weights weights) {
  constexpr std::string_view prefix = "clip.";
  TensorMap towers;
  for (const auto& [name, tensor] : checkpoint.model) {
    if (name.compare(0, prefix.size(), prefix) == 0) towers[name.substr(prefix.size())] = tensor;
  }
  const auto& config = checkpoint.config;
  const auto sizes = tower_sizes(towers, checkpoint.config.model.towers);
  const FeatureShape shape{sizes.embed_dim, config.text.max_words, config.video.num_frames};
  const WithoutInitialisation weights_follow;
  auto model = std::make_shared<RetrievalModel>(config.model, config.head, sizes, shape);
  weights == Weights::kShared ? adopt_weights(*model, checkpoint.model) : load_weights(*model, checkpoint.model);
  return model;
}

namespace {

// "step_000120"; not the draft of one, "step_000120.tmp-...", which a killed writer may have left with all its files.
bool is_checkpoint_name(const std::string& name) {
  constexpr std::string_view kStart = "step_";
  return name.size() > kStart.size() && name.starts_with(kStart) &&
         name.find_first_not_of("0123456789", kStart.size()) == std::string::npos;
}

}  // namespace

std::vector<fs::path> list_checkpoints(const fs::path& run_dir) {
  std::vector<fs::path> folders;
  const auto parent = run_dir / "checkpoints";
  if (!files::is_folder(parent)) return folders;
  for (const auto& entry : files::list(parent)) {
    const bool named = is_checkpoint_name(entry.path.filename().string());
    if (named && !files::is_link(entry.path) && files::exists(entry.path / kStateFile)) folders.push_back(entry.path);
  }
  const auto order = [](const fs::path& folder) {  // six digits at least; a longer number is a larger one
    const auto name = folder.filename().string();
    return std::pair(name.size(), name);
  };
  std::sort(folders.begin(), folders.end(), [&](const auto& a, const auto& b) { return order(a) > order(b); });
  return folders;
}

}  // namespace glint
