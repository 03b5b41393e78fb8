#include "glint/eval/evaluation.h"

#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "eval/feature_table.h"
#include "eval/gathered.h"
#include "eval/ranking.h"
#include "glint/core/error.h"
#include "glint/core/progress.h"
#include "glint/data/clip_stream.h"
#include "glint/data/token_tensors.h"
#include "glint/eval/similarity.h"

namespace glint {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Puts the model into evaluation mode, and back into the one it had.
class EvaluationMode {
 public:
  explicit EvaluationMode(RetrievalModel& model) : model_(model), was_training_(model.is_training()) { model_.eval(); }
  ~EvaluationMode() { model_.train(was_training_); }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  RetrievalModel& model_;
  bool was_training_;
};

struct EncodedClips {
  VideoFeatures features;
  std::vector<int64_t> clips;  // which of the data set; the rest is in `skipped`
  std::vector<SkippedClip> skipped;
};

// Features of no video, whose shapes are those of any: what a process has that has read none.
VideoFeatures no_videos(RetrievalModel& model, const ClipSource& source) {
  const auto T = source.num_frames(), side = source.image_size();
  const auto frames = torch::zeros({1, T, 3, side, side}, torch::kUInt8);
  return slice(model.encode_video(frames, torch::ones({1, T}, torch::kInt64)), 0, 0);
}

// The clips [begin, end) of the data set.
EncodedClips encode_clips(RetrievalModel& model, const std::vector<Clip>& clips, std::pair<int64_t, int64_t> range,
                          ClipSource& source, int64_t batch_size, int64_t workers) {
  const auto [begin, end] = range;
  EncodedClips encoded;
  VideoFeatureTable table(end - begin);
  const std::vector<Clip> some(clips.begin() + begin, clips.begin() + end);
  ClipStream stream(some, source, workers, batch_size + workers);
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
    const bool full = std::ssize(frames) == batch_size || i + 1 == end;
    if (full && !frames.empty()) {
      table.add(model.encode_video(torch::stack(frames), torch::stack(masks)));
      frames.clear();
      masks.clear();
    }
    progress.update(i + 1 - begin);
  }
  encoded.features = encoded.clips.empty() ? no_videos(model, source) : table.features();
  return encoded;
}

// The clips of all processes, which know of one another's then.
EncodedClips gather(Communicator& peers, EncodedClips own) {
  if (peers.ranks() == 1) return own;
  nlohmann::json list = {{"clips", own.clips}, {"skipped", nlohmann::json::array()}};
  for (const auto& skipped : own.skipped) list["skipped"].push_back({skipped.clip, skipped.cause});
  EncodedClips all;
  std::vector<int64_t> counts;
  for (const auto& text : peers.all_gather(list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))) {
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

TextFeatures encode_captions(RetrievalModel& model, const Tokenizer& tokenizer,
                             const std::vector<std::string>& captions, std::pair<int64_t, int64_t> range,
                             int64_t max_words, int64_t batch_size) {
  const auto count = range.second - range.first;
  TextFeatureTable table(std::max<int64_t>(1, count));
  Progress progress("encode captions", count, "captions");
  const auto encode = [&](int64_t begin, int64_t end) {
    const auto tokens = token_tensors(tokenizer, {captions.begin() + begin, captions.begin() + end}, max_words);
    return model.encode_text(tokens.ids, tokens.mask);
  };
  for (int64_t begin = range.first; begin < range.second; begin += batch_size) {
    const auto end = std::min(range.second, begin + batch_size);
    table.add(encode(begin, end));
    progress.update(end - range.first);
  }
  return count > 0 ? table.features() : slice(encode(0, 1), 0, 0);  // none, in the shapes of any
}

// How many of `count` things each process has.
std::vector<int64_t> shares_of(int64_t count, const Communicator& peers) {
  std::vector<int64_t> counts;
  for (int64_t rank = 0; rank < peers.ranks(); ++rank) {
    const auto [begin, end] = share_of(count, rank, peers.ranks());
    counts.push_back(end - begin);
  }
  return counts;
}

// The captions that can still be asked.
AskedQueries queries_for(const Dataset& dataset, const std::vector<int64_t>& clips) {
  std::vector<int64_t> row_of_clip(dataset.clips.size(), -1);
  for (std::size_t row = 0; row < clips.size(); ++row)
    row_of_clip[static_cast<std::size_t>(clips[row])] = static_cast<int64_t>(row);
  AskedQueries queries;
  for (const auto& caption : dataset.captions) {
    const int64_t row = row_of_clip[static_cast<std::size_t>(caption.clip)];
    if (row < 0) continue;
    queries.texts.push_back(caption.text);
    queries.video.push_back(row);
    queries.clip.push_back(caption.clip);
  }
  return queries;
}

// A smaller gallery is an easier one.
[[noreturn]] void refuse_smaller_gallery(const Dataset& dataset, const std::vector<SkippedClip>& skipped) {
  throw Error(dataset.name, " split '", dataset.split, "': ", skipped.size(), " of ",
              dataset.clips.size() + dataset.missing.size(), " videos cannot be read, the first is ", skipped[0].clip,
              ": ", skipped[0].cause, "; mend or fetch them, or set eval.on_missing=skip to evaluate without them");
}

}  // namespace

Evaluation evaluate(RetrievalModel& model, const Tokenizer& tokenizer, const Dataset& dataset, ClipSource& source,
                    const EvalConfig& config, const TextConfig& text, int64_t workers, Communicator& peers) {
  const torch::NoGradGuard no_grad;
  const EvaluationMode mode(model);
  Evaluation result;

  const auto encode_start = Clock::now();
  const auto own_clips = share_of(std::ssize(dataset.clips), peers.rank(), peers.ranks());
  const auto videos = gather(peers, encode_clips(model, dataset.clips, own_clips, source, config.batch_size, workers));
  for (const auto& id : dataset.missing) result.skipped.push_back({id, "the video file is not there"});
  result.skipped.insert(result.skipped.end(), videos.skipped.begin(), videos.skipped.end());
  if (config.on_missing == "fail" && !result.skipped.empty()) refuse_smaller_gallery(dataset, result.skipped);
  const auto queries = queries_for(dataset, videos.clips);
  if (queries.texts.empty()) {
    throw Error(
        dataset.name, " split '", dataset.split, "': no clip with a caption could be read",
        result.skipped.empty() ? std::string() : concat(", ", result.skipped[0].clip, ": ", result.skipped[0].cause));
  }
  const auto count = std::ssize(queries.texts);
  const auto own_texts = share_of(count, peers.rank(), peers.ranks());
  const auto captions = encode_captions(model, tokenizer, queries.texts, own_texts, text.max_words, config.batch_size);
  result.encode_s = seconds_since(encode_start);

  const auto score_start = Clock::now();
  const auto scores = gather_uneven(peers, similarity_matrix(model.head(), captions, videos.features, config.block),
                                    shares_of(count, peers));
  result.clips = static_cast<int64_t>(videos.clips.size());
  rank_scores(result, scores, dataset, queries, videos.clips, config);
  result.score_s = seconds_since(score_start);
  return result;
}

}  // namespace glint
