#include "weights/tokenizer_files.h"

#include <nlohmann/json.hpp>

#include "glint/core/atomic_file.h"
#include "glint/core/json.h"

namespace glint {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kClipStart = "<|startoftext|>";
constexpr const char* kClipEnd = "<|endoftext|>";

std::string dumped(const Json& json) {
  return json_text(json, 2) + "\n";
}

// Note [padding of texts]: CLIP pads with id 0, which is the piece "!" too. Hugging Face's tokenizers tell padding from
// text by the token alone, so that theirs pads with the end token, as OpenAI's own on the hub does. What stands behind
// the end token changes no text's feature.
std::vector<std::pair<std::string, std::string>> clip_files(const TextConfig& config, const TowerSizes& sizes) {
  const auto clip = clip_pieces(config.vocabulary);
  Json ids = Json::object();
  for (const auto& piece : clip.pieces) ids[piece] = ids.size();
  std::string merges = "#version: 0.2\n";
  for (const auto& merge : clip.merges) merges += merge + "\n";
  const Json special = {
      {"bos_token", kClipStart}, {"eos_token", kClipEnd}, {"unk_token", kClipEnd}, {"pad_token", kClipEnd}};
  Json settings = special;
  settings["tokenizer_class"] = "CLIPTokenizer";
  settings["do_lower_case"] = true;
  settings["errors"] = "replace";
  settings["model_max_length"] = sizes.context_length;
  return {{"vocab.json", json_text(ids) + "\n"},
          {"merges.txt", merges},
          {"special_tokens_map.json", dumped(special)},
          {"tokenizer_config.json", dumped(settings)}};
}

std::vector<std::pair<std::string, std::string>> siglip_files(const Tokenizer& tokenizer, const TowerSizes& sizes) {
  const Json settings = {{"eos_token", "</s>"},
                         {"unk_token", "<unk>"},
                         {"pad_token", "</s>"},
                         {"tokenizer_class", "SiglipTokenizer"},
                         {"do_lower_case", true},
                         {"model_max_length", sizes.context_length},
                         {"model_input_names", {"input_ids"}}};
  return {{"spiece.model", tokenizer.serialized()}, {"tokenizer_config.json", dumped(settings)}};
}

}  // namespace

const char* tokenizer_file_name(const Tokenizer& tokenizer) {
  return tokenizer.name() == "clip" ? kClipVocabularyFile : "tokenizer.model";
}

fs::path write_tokenizer_file(const Tokenizer& tokenizer, const TextConfig& config, const fs::path& folder) {
  const auto path = folder / tokenizer_file_name(tokenizer);
  write_file(path, tokenizer.name() == "clip" ? clip_vocabulary(config.vocabulary) : tokenizer.serialized());
  return path;
}

std::vector<fs::path> write_hugging_face_tokenizer(const Tokenizer& tokenizer, const TextConfig& config,
                                                   const TowerSizes& sizes, const fs::path& folder) {
  if (tokenizer.name() == "sentencepiece") return {write_tokenizer_file(tokenizer, config, folder)};
  std::vector<fs::path> written;
  const bool is_clip = tokenizer.name() == "clip";
  for (const auto& [name, text] : is_clip ? clip_files(config, sizes) : siglip_files(tokenizer, sizes)) {
    write_file(folder / name, text);
    written.push_back(folder / name);
  }
  return written;
}

}  // namespace glint
