#pragma once

#include <string>

#include "glint/io/weight_file.h"

namespace glint {

// Who named the weights, and what they are of.
enum class WeightFamily {
  kClip,  // OpenAI's names: OpenAI's own files, open_clip's
  kHuggingFaceClip,
  kHuggingFaceSiglip,
  kRetrieval,  // a released system: CLIP4Clip, X-CLIP, GLCCL, GLSCL, CenterCLIP
  kXpool,      // X-Pool, around Hugging Face's CLIP
};

// "CLIP under OpenAI's names": for people.
const char* family_text(WeightFamily family);

struct KnownWeights {
  WeightFamily family;
  TensorMap weights;    // out of their wrappers: "state_dict/", "module.", ...
  std::string wrapper;  // "in the entry 'state_dict', behind 'model.'"; empty where there was none
  std::string outside;  // a sentence about the tensors beside the model; empty where there are none
};

// Finds the model by its own names, whatever entries and prefixes it stands in. Throws Error where the weights are none
// of these, with what they look like, and where the file holds two models.
KnownWeights recognise(const WeightFile& file);

}  // namespace glint
