#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "glint/config/config.h"
#include "glint/io/safetensors.h"
#include "glint/text/tokenizer.h"

namespace glint {

// Attention heads of the two towers.
struct TowerHeads {
  int64_t image = 0;
  int64_t text = 0;
};

// "12,8": of the image and the text tower; "4": of both. Throws Error where it is neither.
TowerHeads parse_tower_heads(const std::string& text);

struct ImportOptions {
  std::string as = {};  // what the weights must be: clip, siglip, glscl, glccl, xclip, xpool, clip4clip, centerclip
  std::string activation =
      {};  // of towers that come without a description: quick_gelu, gelu, gelu_tanh; empty: the usual
  std::optional<TowerHeads> heads = {};  // of towers that come without a description; none: of 64 columns each
  int64_t image_size = 0;                // pixels; positions are interpolated where it is not theirs; 0: theirs
};

// Weights of others as a model of ours: what a checkpoint holds.
struct ImportedModel {
  std::string what;  // "X-Pool": for people
  Config config;     // that describes the model; data and training as they are by default
  std::shared_ptr<const Tokenizer> tokenizer;
  TensorMap weights;                 // under our names, in float32
  std::string assumed;               // a sentence: what nothing told of the towers; empty: all was told
  std::vector<std::string> remarks;  // sentences: what else there is to know
};

// `from`: a file of weights, known by its content, or a folder that holds one with its description and tokenizer.
// Throws one Error that names every weight that is missing, spare or misshapen, or what glint does not do.
ImportedModel import_model(const std::filesystem::path& from, const ImportOptions& options = {});

}  // namespace glint
