#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "glint/weights/checkpoint.h"

namespace glint {

// Writes a checkpoint's model for others into the folder `out`. -> the files, the weights first. Formats:
//   reference    the whole model under the released code's names: model.safetensors, model.pt (torch.load), config.json
//   huggingface  its towers as transformers' CLIPModel or SiglipModel opens them, with tokenizer and a model card
//   open_clip    its towers as open_clip opens them ("local-dir:OUT")
//   deploy       a checkpoint that serves by itself: tokenizer, settings for other programs, usage.md
//   torchscript  its towers as an archive that torch.jit.load opens, with the same beside it
//   glint        a checkpoint without the optimizer's state, which glint eval and model.weights take
// Throws Error where `out` holds anything, the format cannot hold the model, or the files cannot be written.
std::vector<std::filesystem::path> export_model(const Checkpoint& checkpoint, const std::string& format,
                                                const std::filesystem::path& out);

}  // namespace glint
