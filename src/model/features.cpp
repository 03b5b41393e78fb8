#include "glint/model/features.h"

#include <torch/torch.h>

#include <algorithm>
#include <iterator>

#include "glint/core/error.h"

namespace glint {

namespace {

using Prepared = std::map<std::string, torch::Tensor>;

// The first tensor that is there has the number of items as its first dimension.
int64_t count(std::initializer_list<torch::Tensor> tensors, const Prepared& prepared) {
  for (const auto& tensor : tensors) {
    if (tensor.defined()) return tensor.size(0);
  }
  for (const auto& [name, tensor] : prepared) {
    if (tensor.defined()) return tensor.size(0);
  }
  throw Bug("features without a tensor have no size");
}

std::vector<torch::Tensor*> defined(std::vector<torch::Tensor*> tensors, Prepared& prepared) {
  for (auto& [name, tensor] : prepared) tensors.push_back(&tensor);
  std::erase_if(tensors, [](const auto* tensor) { return !tensor->defined(); });
  return tensors;
}

torch::Tensor rows(const torch::Tensor& tensor, int64_t begin, int64_t end) {
  return tensor.defined() ? tensor.slice(0, begin, end) : tensor;
}

Prepared rows(const Prepared& prepared, int64_t begin, int64_t end) {
  Prepared result;
  for (const auto& [name, tensor] : prepared) result[name] = rows(tensor, begin, end);
  return result;
}

// The parts one after the other; undefined where all are.
torch::Tensor join(const std::vector<torch::Tensor>& parts) {
  const auto defined = std::count_if(parts.begin(), parts.end(), [](const auto& part) { return part.defined(); });
  if (defined == 0) return {};
  GLINT_CHECK(defined == std::ssize(parts), "features are there in ", defined, " of ", parts.size(), " parts");
  return parts.size() == 1 ? parts.front() : torch::cat(parts, 0);
}

template <class Features>
torch::Tensor join(const std::vector<Features>& parts, torch::Tensor Features::*member) {
  std::vector<torch::Tensor> tensors;
  for (const auto& part : parts) tensors.push_back(part.*member);
  return join(tensors);
}

template <class Features>
Prepared join_prepared(const std::vector<Features>& parts) {
  std::map<std::string, std::vector<torch::Tensor>> tensors;
  for (const auto& part : parts) {
    for (const auto& [name, tensor] : part.prepared) tensors[name].push_back(tensor);
  }
  Prepared result;
  for (const auto& [name, of_parts] : tensors) {
    GLINT_CHECK(of_parts.size() == parts.size(), "'", name, "' is there in ", of_parts.size(), " of ", parts.size(),
                " parts");
    result[name] = join(of_parts);
  }
  return result;
}

}  // namespace

int64_t size(const TextFeatures& text) {
  return count({text.sentence, text.words, text.mask}, text.prepared);
}
int64_t size(const VideoFeatures& video) {
  return count({video.frames, video.clip_frames, video.mask}, video.prepared);
}

TextFeatures slice(const TextFeatures& text, int64_t begin, int64_t end) {
  return {rows(text.sentence, begin, end), rows(text.words, begin, end), rows(text.mask, begin, end),
          rows(text.prepared, begin, end)};
}

VideoFeatures slice(const VideoFeatures& video, int64_t begin, int64_t end) {
  return {rows(video.frames, begin, end), rows(video.clip_frames, begin, end), rows(video.mask, begin, end),
          rows(video.prepared, begin, end)};
}

std::vector<torch::Tensor*> tensors_of(TextFeatures& text) {
  return defined({&text.sentence, &text.words, &text.mask}, text.prepared);
}

std::vector<torch::Tensor*> tensors_of(VideoFeatures& video) {
  return defined({&video.frames, &video.clip_frames, &video.mask}, video.prepared);
}

TextFeatures concat(const std::vector<TextFeatures>& parts) {
  GLINT_CHECK(!parts.empty(), "no parts");
  return {join(parts, &TextFeatures::sentence), join(parts, &TextFeatures::words), join(parts, &TextFeatures::mask),
          join_prepared(parts)};
}

VideoFeatures concat(const std::vector<VideoFeatures>& parts) {
  GLINT_CHECK(!parts.empty(), "no parts");
  return {join(parts, &VideoFeatures::frames), join(parts, &VideoFeatures::clip_frames),
          join(parts, &VideoFeatures::mask), join_prepared(parts)};
}

}  // namespace glint
