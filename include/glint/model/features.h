#pragma once

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace glint {

// What the towers give and the heads take. A head's prepare_* adds per-item results under its own names in `prepared`
// (dimension 0 = item) and drops (leaves undefined) what its score() no longer needs, so that evaluation keeps little.
// A texts, B videos, L tokens, T frames, D width.
struct TextFeatures {
  torch::Tensor sentence;  // [A, D] feature of the end token, not normalised
  torch::Tensor words;     // [A, L, D] all tokens, not normalised; pads included
  torch::Tensor mask;      // [A, L] 1 on real tokens
  std::map<std::string, torch::Tensor> prepared;
};

struct VideoFeatures {
  torch::Tensor frames;       // [B, T, D] after the temporal encoder, not normalised
  torch::Tensor clip_frames;  // [B, T, D] before it
  torch::Tensor mask;         // [B, T] 1 on real frames
  std::map<std::string, torch::Tensor> prepared;
};

int64_t size(const TextFeatures& text);    // A
int64_t size(const VideoFeatures& video);  // B

// Items [begin, end), as views; undefined tensors stay undefined.
TextFeatures slice(const TextFeatures& text, int64_t begin, int64_t end);
VideoFeatures slice(const VideoFeatures& video, int64_t begin, int64_t end);

// Every tensor that is there, the members before `prepared`, to be looked at or replaced.
std::vector<torch::Tensor*> tensors_of(TextFeatures& text);
std::vector<torch::Tensor*> tensors_of(VideoFeatures& video);

// Items of all parts one after the other.
TextFeatures concat(const std::vector<TextFeatures>& parts);
VideoFeatures concat(const std::vector<VideoFeatures>& parts);

}  // namespace glint
