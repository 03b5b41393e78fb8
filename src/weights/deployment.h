#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "glint/weights/checkpoint.h"

namespace glint {

// A checkpoint that serves by itself: with its tokenizer's file, its settings for other programs (deploy.json), a
// usage.md for this very model and SHA-256 sums. `out` is new or empty. -> the files
std::vector<std::filesystem::path> export_deployment(const Checkpoint& checkpoint, const std::filesystem::path& out);

// The two towers as a TorchScript archive, with the same files beside it.
std::vector<std::filesystem::path> export_torchscript(const Checkpoint& checkpoint, const std::filesystem::path& out);

// What the two have in common, for deployment_text.cpp.
struct Deployment {
  const Checkpoint* checkpoint;
  TowerSizes sizes;
  bool as_script;                   // towers.pt instead of a checkpoint
  nlohmann::ordered_json settings;  // deploy.json
  int64_t parameters;
};

// usage.md. `files`: what lies in the folder besides.
std::string usage_text(const Deployment& deployment, const std::vector<std::filesystem::path>& files);

}  // namespace glint
