#include "glint/eval/evaluation.h"

#include <torch/torch.h>

#include <algorithm>
#include <chrono>

#include "eval/feature_table.h"
#include "glint/core/error.h"
#include "glint/core/progress.h"
#include "glint/data/clip_stream.h"
#include "glint/eval/postprocess.h"
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

EncodedClips encode_clips(RetrievalModel& model, const std::vector<Clip>& clips, ClipSource& source, int64_t batch_size,
                          int64_t workers) {
  EncodedClips encoded;
  VideoFeatureTable table(static_cast<int64_t>(clips.size()));
  ClipStream stream(clips, source, workers, batch_size + workers);
  Progress progress("encode clips", static_cast<int64_t>(clips.size()), "clips");
  std::vector<torch::Tensor> frames;
  std::vector<torch::Tensor> masks;
  for (std::size_t i = 0; i < clips.size(); ++i) {
    auto read = stream.next();
    if (read.error.empty()) {
      encoded.clips.push_back(static_cast<int64_t>(i));
      frames.push_back(read.frames);
      masks.push_back(read.mask);
    } else {
      encoded.skipped.push_back({clips[i].id, read.error});
    }
    const bool full = static_cast<int64_t>(frames.size()) == batch_size || i + 1 == clips.size();
    if (full && !frames.empty()) {
      table.add(model.encode_video(torch::stack(frames), torch::stack(masks)));
      frames.clear();
      masks.clear();
    }
    progress.update(static_cast<int64_t>(i) + 1);
  }
  encoded.features = table.features();
  return encoded;
}

TextFeatures encode_captions(RetrievalModel& model, const Tokenizer& tokenizer,
                             const std::vector<std::string>& captions, int64_t max_words, int64_t batch_size) {
  TextFeatureTable table(static_cast<int64_t>(captions.size()));
  Progress progress("encode captions", static_cast<int64_t>(captions.size()), "captions");
  for (std::size_t begin = 0; begin < captions.size(); begin += static_cast<std::size_t>(batch_size)) {
    const auto end = std::min(captions.size(), begin + static_cast<std::size_t>(batch_size));
    auto batch = tokenizer.batch(
        {captions.begin() + static_cast<std::ptrdiff_t>(begin), captions.begin() + static_cast<std::ptrdiff_t>(end)},
        max_words);
    const auto ids = torch::from_blob(batch.ids.data(), {batch.rows, batch.max_words}, torch::kInt64);
    const auto mask = torch::from_blob(batch.mask.data(), {batch.rows, batch.max_words}, torch::kInt64);
    table.add(model.encode_text(ids, mask));
    progress.update(static_cast<int64_t>(end));
  }
  return table.features();
}

// The captions that can still be asked, and the row of each one's clip in the encoded clips.
struct Queries {
  std::vector<std::string> texts;
  std::vector<int64_t> video;
  std::vector<int64_t> clip;  // of the data set
};

Queries queries_for(const Dataset& dataset, const std::vector<int64_t>& clips) {
  std::vector<int64_t> row_of_clip(dataset.clips.size(), -1);
  for (std::size_t row = 0; row < clips.size(); ++row)
    row_of_clip[static_cast<std::size_t>(clips[row])] = static_cast<int64_t>(row);
  Queries queries;
  for (const auto& caption : dataset.captions) {
    const int64_t row = row_of_clip[static_cast<std::size_t>(caption.clip)];
    if (row < 0) continue;
    queries.texts.push_back(caption.text);
    queries.video.push_back(row);
    queries.clip.push_back(caption.clip);
  }
  return queries;
}

std::map<std::string, RetrievalMetrics> metrics_of_tags(const Dataset& dataset, const Queries& queries,
                                                        const std::vector<double>& ranks) {
  std::map<std::string, std::vector<double>> of_tag;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    for (const auto& tag : dataset.clips[static_cast<std::size_t>(queries.clip[i])].tags)
      of_tag[tag].push_back(ranks[i]);
  }
  std::map<std::string, RetrievalMetrics> metrics;
  for (const auto& [tag, some] : of_tag) metrics[tag] = summarise(some);
  return metrics;
}

void rank(Evaluation& result, const torch::Tensor& scores, const Dataset& dataset, const Queries& queries,
          const EvalConfig& config) {
  const auto video_of_text = torch::tensor(queries.video, torch::kInt64);
  const Ties ties = config.ties == "average" ? Ties::kAverage : Ties::kOptimistic;
  const bool dsl = config.postprocess == "dsl";
  const auto forward = dsl ? dual_softmax(scores, config.dsl_temperature) : scores;
  const auto backward = dsl ? dual_softmax(scores.t(), config.dsl_temperature).t() : scores;
  const auto ranks = text_to_video_ranks(forward, video_of_text, ties);
  result.t2v = summarise(ranks);
  result.v2t = summarise(video_to_text_ranks(backward, video_of_text, ties));
  result.t2v_of_tag = metrics_of_tags(dataset, queries, ranks);
}

}  // namespace

Evaluation evaluate(RetrievalModel& model, const Tokenizer& tokenizer, const Dataset& dataset, ClipSource& source,
                    const EvalConfig& config, const TextConfig& text, int64_t workers) {
  const torch::NoGradGuard no_grad;
  const EvaluationMode mode(model);
  Evaluation result;

  const auto encode_start = Clock::now();
  auto videos = encode_clips(model, dataset.clips, source, config.batch_size, workers);
  for (const auto& id : dataset.missing) result.skipped.push_back({id, "the video file is not there"});
  result.skipped.insert(result.skipped.end(), videos.skipped.begin(), videos.skipped.end());
  const auto queries = queries_for(dataset, videos.clips);
  if (queries.texts.empty()) {
    throw Error(
        dataset.name, " split '", dataset.split, "': no clip with a caption could be read",
        result.skipped.empty() ? std::string() : concat(", ", result.skipped[0].clip, ": ", result.skipped[0].cause));
  }
  const auto captions = encode_captions(model, tokenizer, queries.texts, text.max_words, config.batch_size);
  result.encode_s = seconds_since(encode_start);

  const auto score_start = Clock::now();
  const auto scores = similarity_matrix(model.head(), captions, videos.features, config.block);
  result.clips = static_cast<int64_t>(videos.clips.size());
  rank(result, scores, dataset, queries, config);
  result.score_s = seconds_since(score_start);
  return result;
}

}  // namespace glint
