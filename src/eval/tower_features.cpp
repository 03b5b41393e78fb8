#include <torch/torch.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "eval/feature_table.h"
#include "eval/gathered.h"
#include "glint/core/error.h"
#include "glint/core/json.h"
#include "glint/core/progress.h"
#include "glint/core/utf8.h"
#include "glint/data/clip_stream.h"
#include "glint/data/token_tensors.h"
#include "glint/eval/feature_source.h"
#include "glint/nn/autocast.h"

namespace glint {
namespace {

template <class Features>
Features in_float32(Features features) {
  for (auto* tensor : tensors_of(features)) {
    if (tensor->is_floating_point()) *tensor = tensor->to(torch::kFloat32);
  }
  return features;
}

VideoFeatures prepared(const TowerWork& work, const VideoFeatures& features) {
  return work.model.head().prepare_video(in_float32(features));
}

// As the towers give them, in the type of eval.precision.
VideoFeatures tower_output(const TowerWork& work, const torch::Tensor& frames, const torch::Tensor& mask) {
  const Autocast lower(work.model.device().type(), type_of_precision(work.precision));
  return work.model.video_features(frames, mask);
}

VideoFeatures tower_output(const TowerWork& work, const VideoFeatures& kept) {
  const Autocast lower(work.model.device().type(), type_of_precision(work.precision));
  return work.model.video_features_of(kept.clip_frames, kept.mask);
}

struct EncodedClips {
  VideoFeatures features;
  std::vector<int64_t> clips;  // which of the data set; the rest is in `skipped`
  std::vector<SkippedClip> skipped;
};

// Features of no video, whose shapes are those of any: what a process has that has read none.
VideoFeatures no_videos(const TowerWork& work, const ClipSource& source) {
  const auto T = source.num_frames(), side = source.image_size();
  const auto frames = torch::zeros({1, T, 3, side, side}, torch::kUInt8);
  return slice(prepared(work, tower_output(work, frames, torch::ones({1, T}, torch::kInt64))), 0, 0);
}

// What the memory holds of this process's clips, through what comes behind the towers.
EncodedClips encode_kept(const TowerWork& work, const TowerMemory::Videos& kept, ClipSource& source) {
  EncodedClips encoded{{}, kept.clips, kept.skipped};
  VideoFeatureTable table(std::ssize(kept.clips));
  for (const auto& batch : kept.batches) table.add(prepared(work, tower_output(work, batch)));
  encoded.features = kept.clips.empty() ? no_videos(work, source) : table.features();
  return encoded;
}

// The clips [begin, end) of the data set.
EncodedClips encode_clips(const TowerWork& work, const std::vector<Clip>& clips, std::pair<int64_t, int64_t> range,
                          ClipSource& source, TowerMemory* memory) {
  if (memory != nullptr && memory->videos() != nullptr) return encode_kept(work, *memory->videos(), source);
  const auto [begin, end] = range;
  TowerMemory::Videos kept;
  bool keeps = memory != nullptr;
  int64_t kept_bytes = 0;
  EncodedClips encoded;
  VideoFeatureTable table(end - begin);
  const std::vector<Clip> some(clips.begin() + begin, clips.begin() + end);
  ClipStream stream(some, source, work.workers, work.batch_size + work.workers);
  Progress progress("encode clips", end - begin, "clips");
  std::vector<torch::Tensor> frames;
  std::vector<torch::Tensor> masks;
  for (int64_t i = begin; i < end; ++i) {
    auto read = stream.next();
    if (read.error.empty()) {
      encoded.clips.push_back(i);
      frames.push_back(read.frames);
      masks.push_back(read.mask);
    } else {
      encoded.skipped.push_back({clips[static_cast<std::size_t>(i)].id, read.error});
    }
    const bool full = std::ssize(frames) == work.batch_size || i + 1 == end;
    if (full && !frames.empty()) {
      const auto features = tower_output(work, torch::stack(frames), torch::stack(masks));
      kept_bytes += static_cast<int64_t>(features.clip_frames.nbytes() + features.mask.nbytes());
      keeps = keeps && memory->has_room(kept_bytes);
      if (keeps) kept.batches.push_back({{}, features.clip_frames, features.mask, {}});
      if (!keeps) kept.batches.clear();
      table.add(prepared(work, features));
      frames.clear();
      masks.clear();
    }
    progress.update(i + 1 - begin);
  }
  encoded.features = encoded.clips.empty() ? no_videos(work, source) : table.features();
  kept.clips = encoded.clips;
  kept.skipped = encoded.skipped;
  if (keeps) memory->keep(std::move(kept), kept_bytes);
  return encoded;
}

// The clips of all processes, which know of one another's then.
EncodedClips gather(Communicator& peers, EncodedClips own) {
  if (peers.ranks() == 1) return own;
  nlohmann::json list = {{"clips", own.clips}, {"skipped", nlohmann::json::array()}};
  for (const auto& skipped : own.skipped) list["skipped"].push_back({skipped.clip, skipped.cause});
  EncodedClips all;
  std::vector<int64_t> counts;
  for (const auto& text : peers.all_gather(json_text(list))) {
    const auto of_rank = nlohmann::json::parse(text);
    const auto clips = of_rank.at("clips").get<std::vector<int64_t>>();
    counts.push_back(std::ssize(clips));
    all.clips.insert(all.clips.end(), clips.begin(), clips.end());
    for (const auto& skipped : of_rank.at("skipped")) {
      all.skipped.push_back({skipped.at(0).get<std::string>(), skipped.at(1).get<std::string>()});
    }
  }
  all.features = gather_uneven(peers, std::move(own.features), counts);
  return all;
}

EncodedClips encode_shared(const TowerWork& work, const std::vector<Clip>& clips, ClipSource& source,
                           Communicator& peers, TowerMemory* memory = nullptr) {
  const auto own = share_of(std::ssize(clips), peers.rank(), peers.ranks());
  return gather(peers, encode_clips(work, clips, own, source, memory));
}

// Texts `begin` to `end`; of none the shapes of any.
TextFeatures encode_texts(const TowerWork& work, const std::vector<RankedItem>& queries, int64_t begin, int64_t end,
                          TowerMemory* memory) {
  TextFeatureTable table(std::max<int64_t>(1, end - begin));
  for (int64_t first = begin; first < std::max(end, begin + 1); first += work.batch_size) {
    std::vector<std::string> some;
    for (int64_t i = first; i < std::min(std::max(end, begin + 1), first + work.batch_size); ++i)
      some.push_back(i < std::ssize(queries) ? queries[static_cast<std::size_t>(i)].caption : std::string());
    const auto* kept = memory != nullptr ? memory->texts(first, std::ssize(some)) : nullptr;
    const auto features = kept != nullptr ? *kept : tower_features(work, some);
    if (memory != nullptr && kept == nullptr) memory->keep(first, std::ssize(some), features);
    table.add(work.model.head().prepare_text(features));
  }
  return slice(table.features(), 0, end - begin);
}

// A smaller gallery is an easier one.
[[noreturn]] void refuse_smaller_gallery(const Dataset& dataset, const std::vector<SkippedClip>& skipped) {
  throw Error(dataset.name, " split '", dataset.split, "': ", skipped.size(), " of ",
              dataset.clips.size() + dataset.missing.size(), " videos cannot be read, the first is ", skipped[0].clip,
              ": ", skipped[0].cause, "; mend or fetch them, or set eval.on_missing=skip to evaluate without them");
}

class TowerFeatures : public FeatureSource {
 public:
  TowerFeatures(const TowerWork& work, const Dataset& dataset, TowerMemory* memory = nullptr)
      : work_(work), memory_(memory) {
    set_.data = dataset.name;
    set_.split = dataset.split;
    set_.protocol = dataset.protocol;
  }

  TextFeatures texts(int64_t begin, int64_t end) override {
    return encode_texts(work_, set_.queries, begin, end, memory_);
  }
  const EvaluatedSet& set() const override { return set_; }

 protected:
  TowerWork work_;
  TowerMemory* memory_;
  EvaluatedSet set_;
};

class SplitFeatures final : public TowerFeatures {
 public:
  SplitFeatures(const TowerWork& work, const Dataset& dataset, ClipSource& source, const VideoConfig& video,
                const std::string& on_missing, Communicator& peers, TowerMemory* memory)
      : TowerFeatures(work, dataset, memory),
        dataset_(dataset),
        source_(source),
        on_missing_(on_missing),
        peers_(peers) {
    describe_frames(set_, video);
  }

  VideoFeatures videos() override {
    auto encoded = encode_shared(work_, dataset_.clips, source_, peers_, memory_);
    for (const auto& id : dataset_.missing) set_.skipped.push_back({id, "the video file is not there"});
    set_.skipped.insert(set_.skipped.end(), encoded.skipped.begin(), encoded.skipped.end());
    if (on_missing_ == "fail" && !set_.skipped.empty()) refuse_smaller_gallery(dataset_, set_.skipped);
    list_items(encoded.clips);
    if (set_.queries.empty()) {
      throw Error(
          dataset_.name, " split '", dataset_.split, "': no clip with a caption could be read",
          set_.skipped.empty() ? std::string() : concat(", ", set_.skipped[0].clip, ": ", set_.skipped[0].cause));
    }
    return encoded.features;
  }

 private:
  // The clips that were read, and the captions that can still be asked.
  void list_items(const std::vector<int64_t>& clips) {
    std::vector<bool> is_read(dataset_.clips.size());
    for (const auto clip : clips) {
      const auto& item = dataset_.clips[static_cast<std::size_t>(clip)];
      is_read[static_cast<std::size_t>(clip)] = true;
      set_.gallery.push_back({valid_utf8(item.id), "", "", item.tags});
    }
    const auto items = query_items(dataset_);
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (is_read[static_cast<std::size_t>(dataset_.captions[i].clip)]) set_.queries.push_back(items[i]);
    }
  }

  const Dataset& dataset_;
  ClipSource& source_;
  std::string on_missing_;
  Communicator& peers_;
};

class BankFeatures final : public TowerFeatures {
 public:
  BankFeatures(const TowerWork& work, const Dataset& captions, std::vector<Clip> clips, ClipSource& source,
               Communicator& peers)
      : TowerFeatures(work, captions), clips_(std::move(clips)), source_(source), peers_(peers) {
    for (std::size_t i = 0; i < captions.captions.size(); ++i)
      set_.queries.push_back({std::to_string(i), valid_utf8(captions.captions[i].text), "", {}});
  }

  VideoFeatures videos() override {
    auto encoded = encode_shared(work_, clips_, source_, peers_);
    set_.skipped = std::move(encoded.skipped);
    for (const auto clip : encoded.clips)
      set_.gallery.push_back({valid_utf8(clips_[static_cast<std::size_t>(clip)].id), "", "", {}});
    return encoded.features;
  }

 private:
  std::vector<Clip> clips_;
  ClipSource& source_;
  Communicator& peers_;
};

}  // namespace

std::vector<RankedItem> query_items(const Dataset& dataset) {
  std::map<int64_t, int64_t> captions, seen;  // of a clip
  for (const auto& caption : dataset.captions) ++captions[caption.clip];
  std::vector<RankedItem> items;
  for (const auto& caption : dataset.captions) {
    const auto& clip = dataset.clips[static_cast<std::size_t>(caption.clip)];
    const auto number = seen[caption.clip]++;
    const auto id = captions[caption.clip] == 1 ? valid_utf8(clip.id) : concat(valid_utf8(clip.id), "#", number);
    items.push_back({id, valid_utf8(caption.text), valid_utf8(clip.id), caption.tags});
  }
  return items;
}

TextFeatures tower_features(const TowerWork& work, const std::vector<std::string>& texts) {
  const auto tokens = token_tensors(work.tokenizer, texts, work.max_words);
  const Autocast lower(work.model.device().type(), type_of_precision(work.precision));
  return in_float32(work.model.text_features(tokens.ids, tokens.mask));
}

VideoFeatures tower_features(const TowerWork& work, const torch::Tensor& frames, const torch::Tensor& mask) {
  return in_float32(tower_output(work, frames, mask));
}

void TowerMemory::keep(Videos videos, int64_t bytes) {
  bytes_left_ -= bytes;
  videos_ = std::move(videos);
}

const TextFeatures* TowerMemory::texts(int64_t first, int64_t count) const {
  const auto found = texts_.find({first, count});
  return found == texts_.end() ? nullptr : &found->second;
}

void TowerMemory::keep(int64_t first, int64_t count, const TextFeatures& texts) {
  const auto bytes = static_cast<int64_t>(texts.sentence.nbytes() + texts.words.nbytes() + texts.mask.nbytes());
  if (!has_room(bytes)) return;
  bytes_left_ -= bytes;
  texts_.emplace(std::pair(first, count), texts);
}

std::unique_ptr<FeatureSource> encode_split(const TowerWork& work, const Dataset& dataset, ClipSource& source,
                                            const VideoConfig& video, const std::string& on_missing,
                                            Communicator& peers, TowerMemory* memory) {
  return std::make_unique<SplitFeatures>(work, dataset, source, video, on_missing, peers, memory);
}

std::unique_ptr<FeatureSource> encode_bank(const TowerWork& work, const BankSample& sample, ClipSource& source,
                                           Communicator& peers) {
  return std::make_unique<BankFeatures>(work, sample.captions, sample.clips.clips, source, peers);
}

}  // namespace glint
