#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "glint/core/utf8.h"
#include "glint/data/clip_source.h"
#include "glint/datasets/dataset.h"
#include "glint/dist/communicator.h"
#include "glint/eval/bank_sample.h"
#include "glint/eval/evaluated_set.h"
#include "glint/io/file_tensor.h"
#include "glint/model/retrieval_model.h"
#include "glint/text/tokenizer.h"

namespace glint {

// The first stage of an evaluation: features of texts and videos, prepared for a head's score(). Texts come in parts,
// since all words of a large set do not fit into memory.
class FeatureSource {
 public:
  virtual ~FeatureSource() = default;
  // Of the whole gallery; called once, before the others.
  virtual VideoFeatures videos() = 0;
  // Of texts [begin, end); of none in the shapes of any.
  virtual TextFeatures texts(int64_t begin, int64_t end) = 0;
  // What the rows are.
  virtual const EvaluatedSet& set() const = 0;
};

// What towers need besides what they encode.
struct TowerWork {
  RetrievalModel& model;
  const Tokenizer& tokenizer;
  int64_t max_words;               // text.max_words
  int64_t batch_size;              // encoded at once
  int64_t workers;                 // threads that decode ahead
  std::string precision = "fp32";  // eval.precision
};

// Features as the towers give them in that precision, in float32.
TextFeatures tower_features(const TowerWork& work, const std::vector<std::string>& texts);
VideoFeatures tower_features(const TowerWork& work, const torch::Tensor& frames, const torch::Tensor& mask);

// What towers gave for a split, kept for its next evaluation: for towers that are not trained, whatever comes behind
// them is. A split that takes more memory than this allows is not kept at all.
class TowerMemory {
 public:
  struct Videos {
    std::vector<VideoFeatures> batches = {};  // clip_frames and mask alone, as the towers gave them
    std::vector<int64_t> clips = {};          // those of this process that were read
    std::vector<SkippedClip> skipped = {};
  };
  const Videos* videos() const { return videos_ ? &*videos_ : nullptr; }
  bool has_room(int64_t bytes) const { return bytes <= bytes_left_; }
  void keep(Videos videos, int64_t bytes);                        // which it has room for
  const TextFeatures* texts(int64_t first, int64_t count) const;  // a batch; null where it is not kept
  void keep(int64_t first, int64_t count, const TextFeatures& texts);

 private:
  std::optional<Videos> videos_;
  std::map<std::pair<int64_t, int64_t>, TextFeatures> texts_;
  int64_t bytes_left_ = int64_t{256} << 20;
};

// The split of a data set through the towers. Several processes share the clips; all get the same features of videos,
// and each asks for its own texts. Videos that are bad are an Error, or left out (`on_missing` = "skip"); what the
// machine cannot read now is NotNow whatever that says. `video`: what `source` was made with. `memory`: of this split
// and these towers, may be null.
std::unique_ptr<FeatureSource> encode_split(const TowerWork& work, const Dataset& dataset, ClipSource& source,
                                            const VideoConfig& video, const std::string& on_missing,
                                            Communicator& peers, TowerMemory* memory = nullptr);

// The captions of a split as they stand in files: an id each, "clip" or "clip#0" where a clip has several.
std::vector<RankedItem> query_items(const Dataset& dataset);

// A bank of eval.postprocess. Clips that cannot be read are left out.
std::unique_ptr<FeatureSource> encode_bank(const TowerWork& work, const BankSample& sample, ClipSource& source,
                                           Communicator& peers);

// A file of features, format 2 (docs/formats.md), which `glint encode` writes.
class FeatureFile {
 public:
  // Throws Error naming the file and what is missing or does not fit.
  explicit FeatureFile(const std::filesystem::path& path);

  const EvaluatedSet& set() const { return set_; }
  const std::string& model() const { return model_; }        // fingerprint(RetrievalModel) of the one that wrote them
  const std::string& settings() const { return settings_; }  // JSON object of the settings that they depend on
  // As the towers give them: not prepared.
  TextFeatures texts(int64_t begin, int64_t end) const;
  VideoFeatures videos(int64_t begin, int64_t end) const;
  bool has_words() const { return tensors_.count("text.words") > 0; }

 private:
  const FileTensor& tensor(const std::string& name) const;

  std::filesystem::path path_;
  std::map<std::string, FileTensor> tensors_;
  EvaluatedSet set_;
  std::string model_, settings_;
};

// Its features, for `head`; `set` may say more of the rows than the file. `batch_size` videos are prepared at once.
std::unique_ptr<FeatureSource> features_of_file(FeatureFile file, EvaluatedSet set, RetrievalHead& head,
                                                torch::Device device, int64_t batch_size);

// A hash of every parameter and buffer, 16 hexadecimal digits: features know the model that made them.
std::string fingerprint(const RetrievalModel& model);

}  // namespace glint
