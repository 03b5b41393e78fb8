#include <torch/torch.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <utility>

#include "eval/feature_table.h"
#include "glint/core/error.h"
#include "glint/core/hash.h"
#include "glint/eval/feature_source.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFeatureFormat = "features 2";

class FileFeatures final : public FeatureSource {
 public:
  FileFeatures(FeatureFile file, EvaluatedSet set, RetrievalHead& head, torch::Device device, int64_t batch_size)
      : file_(std::move(file)), set_(std::move(set)), head_(head), device_(device), batch_size_(batch_size) {}

  VideoFeatures videos() override {
    const auto count = std::ssize(set_.gallery);
    VideoFeatureTable table(count);
    for (int64_t begin = 0; begin < count; begin += batch_size_) {
      auto some = file_.videos(begin, std::min(count, begin + batch_size_));
      for (auto* tensor : tensors_of(some)) *tensor = tensor->to(device_);
      table.add(head_.prepare_video(std::move(some)));
    }
    return table.features();
  }

  TextFeatures texts(int64_t begin, int64_t end) override {
    auto some = file_.texts(begin, end);
    for (auto* tensor : tensors_of(some)) *tensor = tensor->to(device_);
    return head_.prepare_text(std::move(some));
  }

  const EvaluatedSet& set() const override { return set_; }

 private:
  FeatureFile file_;
  EvaluatedSet set_;
  RetrievalHead& head_;
  torch::Device device_;
  int64_t batch_size_;
};

}  // namespace

FeatureFile::FeatureFile(const fs::path& path) : path_(path) {
  auto file = open_safetensors(path);
  const auto value = [&](const char* key) {
    const auto found = file.metadata.find(key);
    return found == file.metadata.end() ? std::string() : found->second;
  };
  if (value("glint") != kFeatureFormat) {
    throw Error(path.string(), ": is no file of features that this glint reads (its metadata name '", value("glint"),
                "', not '", kFeatureFormat, "'); write it with glint encode");
  }
  tensors_ = std::move(file.tensors);
  set_ = parse_evaluated_set(value("set"), path.string());
  model_ = value("model");
  settings_ = value("settings");
  const auto check = [&](const char* name, std::size_t dimensions, std::size_t rows) {
    const auto& sizes = tensor(name).sizes();
    if (sizes.size() != dimensions || sizes[0] != static_cast<int64_t>(rows)) {
      throw Error(path.string(), ": tensor '", name, "' is ", sizes, ", not ", rows, " rows of ", dimensions,
                  " dimensions; write the file again");
    }
  };
  if (!set_.queries.empty()) {
    check("text.sentence", 2, set_.queries.size());
    check("text.mask", 2, set_.queries.size());
    if (has_words()) check("text.words", 3, set_.queries.size());
  }
  if (!set_.gallery.empty()) {
    check("video.frames", 3, set_.gallery.size());
    check("video.clip_frames", 3, set_.gallery.size());
    check("video.mask", 2, set_.gallery.size());
  }
}

const FileTensor& FeatureFile::tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) throw Error(path_.string(), ": has no tensor '", name, "'; write it with glint encode");
  return found->second;
}

TextFeatures FeatureFile::texts(int64_t begin, int64_t end) const {
  TextFeatures features;
  features.sentence = tensor("text.sentence").rows(begin, end - begin);
  features.mask = tensor("text.mask").rows(begin, end - begin);
  if (has_words()) features.words = tensor("text.words").rows(begin, end - begin);
  return features;
}

VideoFeatures FeatureFile::videos(int64_t begin, int64_t end) const {
  VideoFeatures features;
  features.frames = tensor("video.frames").rows(begin, end - begin);
  features.clip_frames = tensor("video.clip_frames").rows(begin, end - begin);
  features.mask = tensor("video.mask").rows(begin, end - begin);
  return features;
}

std::unique_ptr<FeatureSource> features_of_file(FeatureFile file, EvaluatedSet set, RetrievalHead& head,
                                                torch::Device device, int64_t batch_size) {
  return std::make_unique<FileFeatures>(std::move(file), std::move(set), head, device, batch_size);
}

std::string fingerprint(const RetrievalModel& model) {
  std::string sums;
  const auto add = [&](const auto& named) {
    for (const auto& item : named) {
      const auto values = item.value().detach().to(torch::kCPU).contiguous();
      sums += concat(item.key(), ' ', values.sizes(), ' ', xxhash64(values.const_data_ptr(), values.nbytes()), '\n');
    }
  };
  add(model.named_parameters());
  add(model.named_buffers());
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016" PRIx64, static_cast<std::uint64_t>(xxhash64(sums.data(), sums.size())));
  return digits;
}

}  // namespace glint
