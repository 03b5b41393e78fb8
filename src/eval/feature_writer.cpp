#include "glint/eval/feature_writer.h"

#include <torch/torch.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "eval/feature_parts.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/hash.h"
#include "glint/core/json.h"
#include "glint/core/log.h"
#include "glint/core/stop_signal.h"
#include "glint/data/clip_stream.h"
#include "glint/data/token_tensors.h"
#include "glint/io/file_tensor.h"
#include "glint/io/safetensors.h"

namespace glint {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kWrittenFormat = "features 2";

Json json_of(const std::vector<SkippedClip>& skipped) {
  Json list = Json::array();
  for (const auto& one : skipped) list.push_back({{"video", one.clip}, {"cause", one.cause}});
  return list;
}

// Changes with everything that the features are made of.
std::string key_of_features(const FeaturesToWrite& wanted, const std::string& model) {
  std::string all = concat(kWrittenFormat, wanted.has_words, model, wanted.settings);
  for (const auto& text : wanted.texts) all += concat(text.id, '\t', text.caption, '\n');
  for (const auto& clip : wanted.clips) {
    all += concat(clip.id, ' ', clip.file.string(), ' ', files::size(clip.file), ' ', clip.start_s.value_or(-1), ' ',
                  clip.end_s.value_or(-1), '\n');
  }
  return std::to_string(xxhash64(all.data(), all.size()));
}

class PartEncoder {
 public:
  PartEncoder(const FeaturesToWrite& wanted, const TowerWork& work, ClipSource& source)
      : wanted_(wanted), work_(work), source_(source) {}

  void encode_texts(const FeaturePart& part) const {
    std::vector<TextFeatures> features;
    std::vector<torch::Tensor> ids;
    const auto batch = static_cast<std::size_t>(work_.batch_size);
    for (auto first = part.begin; first < part.end; first += batch) {
      if (stop_requested() != 0) throw Stopped(stop_requested());
      std::vector<std::string> some;
      for (auto i = first; i < std::min(part.end, first + batch); ++i) some.push_back(wanted_.texts[i].caption);
      features.push_back(tower_features(work_, some));
      ids.push_back(token_tensors(work_.tokenizer, some, work_.max_words).ids);
    }
    const auto all = concat(features);
    TensorMap tensors = {
        {"text.sentence", all.sentence.cpu()}, {"text.ids", torch::cat(ids)}, {"text.mask", all.mask.cpu()}};
    if (wanted_.has_words) tensors["text.words"] = all.words.cpu();
    write_safetensors(part.path, tensors);
    log_info("encoded ", part.end, " of ", wanted_.texts.size(), " texts");
  }

  void encode_clips(const FeaturePart& part) const {
    const std::vector<Clip> some(wanted_.clips.begin() + static_cast<std::ptrdiff_t>(part.begin),
                                 wanted_.clips.begin() + static_cast<std::ptrdiff_t>(part.end));
    ClipStream stream(some, source_, work_.workers, work_.batch_size + work_.workers);
    std::vector<VideoFeatures> features;
    std::vector<torch::Tensor> frames, masks;
    std::vector<int64_t> rows;
    std::vector<SkippedClip> skipped;
    for (auto i = part.begin; i < part.end; ++i) {
      const auto clip = stream.next();
      if (clip.error.empty()) {
        frames.push_back(clip.frames);
        masks.push_back(clip.mask);
        rows.push_back(static_cast<int64_t>(i));
      } else {
        skipped.push_back({valid_utf8(wanted_.clips[i].id), clip.error});
        refuse_smaller_gallery(skipped.back());
      }
      const bool full = std::ssize(frames) == work_.batch_size || i + 1 == part.end;
      if (!full || frames.empty()) continue;
      features.push_back(tower_features(work_, torch::stack(frames), torch::stack(masks)));
      frames.clear();
      masks.clear();
    }
    TensorMap tensors = {{"video.rows", torch::tensor(rows, torch::kInt64)}};
    if (!rows.empty()) {
      const auto all = concat(features);
      tensors["video.frames"] = all.frames.cpu();
      tensors["video.clip_frames"] = all.clip_frames.cpu();
      tensors["video.mask"] = all.mask.cpu();
    }
    write_safetensors(part.path, tensors, {{"skipped", json_text(json_of(skipped))}});
    log_info("encoded ", part.end, " of ", wanted_.clips.size(), " videos");
  }

 private:
  void refuse_smaller_gallery(const SkippedClip& clip) const {
    if (wanted_.on_missing != "fail") return;
    throw Error(clip.clip, ": cannot be read: ", clip.cause,
                "; mend or fetch it, or set eval.on_missing=skip to encode the split without such videos");
  }

  const FeaturesToWrite& wanted_;
  const TowerWork& work_;
  ClipSource& source_;
};

// The parts' tensors one after the other, a part in memory at a time.
class PartJoiner {
 public:
  PartJoiner(FeaturesToWrite wanted, const FeatureParts& parts) : wanted_(std::move(wanted)), set_(wanted_.set) {
    for (const auto& part : parts.texts()) read(part);
    for (const auto& part : parts.clips()) read(part);
    if (!wanted_.clips.empty() && read_clips_.empty()) {
      throw Error(set_.data, set_.split.empty() ? "" : concat(" split '", set_.split, "'"), ": none of ",
                  wanted_.clips.size(), " videos can be read, the first is ", set_.skipped.at(0).clip, ": ",
                  set_.skipped.at(0).cause);
    }
    list_rows();
  }

  EvaluatedSet write(const fs::path& out, const std::string& model) const {
    SafetensorsWriter file(out, shapes_, metadata(model));
    for (const auto& [name, parts] : holders_) {
      for (const auto& part : parts) {
        const auto rows = open_safetensors(part.path).tensors.at(name).all();
        file.write(name.starts_with("text.") ? kept_texts(rows, part) : rows);
      }
    }
    file.commit();
    return set_;
  }

 private:
  void read(const FeaturePart& part) {
    const auto file = open_safetensors(part.path);
    for (const auto& [name, tensor] : file.tensors) {
      if (name == "video.rows") {
        const auto rows = tensor.all();
        for (int64_t i = 0; i < rows.size(0); ++i) read_clips_.push_back(rows[i].item<int64_t>());
        continue;
      }
      auto shape = tensor.sizes();
      if (const auto known = shapes_.find(name); known != shapes_.end()) shape[0] += known->second.size(0);
      shapes_[name] = torch::zeros({}, tensor.type()).expand(shape);
      holders_[name].push_back(part);
    }
    const auto found = file.metadata.find("skipped");
    if (found == file.metadata.end()) return;
    for (const auto& one : parse_json(found->second, part.path.string()))
      set_.skipped.push_back({one.at("video").get<std::string>(), one.at("cause").get<std::string>()});
  }

  // What the rows are. The texts of a split's videos that could not be read leave with them.
  void list_rows() {
    std::set<std::string> kept;
    for (const auto clip : read_clips_) {
      const auto& item = wanted_.clips[static_cast<std::size_t>(clip)];
      set_.gallery.push_back({valid_utf8(item.id), "", "", item.tags});
      kept.insert(set_.gallery.back().id);
    }
    keeps_text_.assign(wanted_.texts.size(), true);
    for (std::size_t i = 0; i < wanted_.texts.size(); ++i) {
      if (wanted_.is_split) keeps_text_[i] = kept.count(wanted_.texts[i].video) > 0;
      if (keeps_text_[i]) set_.queries.push_back(wanted_.texts[i]);
    }
    for (auto& [name, values] : shapes_) {
      if (!name.starts_with("text.")) continue;
      auto shape = values.sizes().vec();
      shape[0] = std::ssize(set_.queries);
      values = torch::zeros({}, values.options()).expand(shape);
    }
  }

  torch::Tensor kept_texts(const torch::Tensor& rows, const FeaturePart& part) const {
    std::vector<int64_t> kept;
    for (int64_t i = 0; i < rows.size(0); ++i) {
      if (keeps_text_[part.begin + static_cast<std::size_t>(i)]) kept.push_back(i);
    }
    return std::ssize(kept) == rows.size(0) ? rows : rows.index_select(0, torch::tensor(kept, torch::kInt64));
  }

  std::map<std::string, std::string> metadata(const std::string& model) const {
    auto all = wanted_.metadata;
    Json texts = Json::array(), videos = Json::array();  // for readers that want no more than the names
    for (const auto& item : set_.queries) texts.push_back(item.caption);
    for (const auto& item : set_.gallery) videos.push_back(item.id);
    all["glint"] = kWrittenFormat;
    all["set"] = to_json(set_);
    all["model"] = model;
    all["settings"] = wanted_.settings;
    all["texts"] = json_text(texts);
    all["videos"] = json_text(videos);
    all["skipped"] = json_text(json_of(set_.skipped));
    return all;
  }

  FeaturesToWrite wanted_;
  EvaluatedSet set_;
  TensorMap shapes_;
  std::map<std::string, std::vector<FeaturePart>> holders_;  // of a tensor
  std::vector<int64_t> read_clips_;
  std::vector<bool> keeps_text_;
};

// Every so manieth of `parts` that is not there yet.
template <class Encode>
void encode_own(const std::vector<FeaturePart>& parts, const Communicator& peers, const Encode& encode) {
  for (auto i = static_cast<std::size_t>(peers.rank()); i < parts.size();
       i += static_cast<std::size_t>(peers.ranks())) {
    if (!files::exists(parts[i].path)) encode(parts[i]);
  }
}

}  // namespace

void require_feature_file_or_nothing(const fs::path& out) {
  if (!files::exists(out)) return;
  const auto refuse = [&] {
    throw Error(out.string(), ": is there already and is no file of features; name another file");
  };
  if (!files::is_file(out)) refuse();
  try {
    const auto file = open_safetensors(out);
    const auto format = file.metadata.find("glint");
    if (format != file.metadata.end() && format->second.starts_with("features ")) return;
  } catch (const Error&) {  // no safetensors file either
  }
  refuse();
}

EvaluatedSet write_features(const fs::path& out, FeaturesToWrite wanted, const TowerWork& work, ClipSource& source,
                            Communicator& peers) {
  const auto model = fingerprint(work.model);
  const FeatureParts parts(out, key_of_features(wanted, model), wanted.texts.size(), wanted.clips.size());
  if (peers.rank() == 0) parts.prepare();
  peers.barrier();
  const PartEncoder encoder(wanted, work, source);
  encode_own(parts.texts(), peers, [&](const FeaturePart& part) { encoder.encode_texts(part); });
  encode_own(parts.clips(), peers, [&](const FeaturePart& part) { encoder.encode_clips(part); });
  peers.barrier();
  EvaluatedSet set = wanted.set;
  if (peers.rank() == 0) {
    set = PartJoiner(std::move(wanted), parts).write(out, model);
    parts.remove();
  }
  peers.barrier();
  return set;
}

}  // namespace glint
