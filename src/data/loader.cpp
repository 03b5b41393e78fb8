#include "glint/data/loader.h"

#include <torch/torch.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <future>
#include <unordered_set>
#include <utility>

#include "glint/core/error.h"
#include "glint/core/random.h"
#include "glint/core/thread_pool.h"

namespace glint {
namespace {

constexpr int kMaxReplacements = 100;  // bad files met in a row for one sample until the run gives up

// What is drawn for (seed, epoch, ...): no two uses share a stream.
enum Stream : std::uint64_t { kOrder = 1, kCaptionChoice = 2, kReplacement = 3, kAugment = 4 };

// What one worker found out about one sample; frames and tokens stand in the batch already.
struct SampleResult {
  int64_t caption = 0;
  std::vector<BadClip> bad_clips;
};

// A batch in the making: its tensors, each row written by one task.
struct PendingBatch {
  Batch batch;
  std::vector<std::future<SampleResult>> samples;
};

// Where a row of the batch begins.
template <class Number>
Number* row_of(const torch::Tensor& batch, int64_t row) {
  return batch.data_ptr<Number>() + row * batch.stride(0);
}

// Where the captions of each clip begin, and where the last one's end.
std::vector<int64_t> first_captions(const Dataset& dataset) {
  std::vector<int64_t> first = {0};
  for (std::size_t i = 0; i < dataset.captions.size(); ++i) {
    const int64_t clip = dataset.captions[i].clip;
    const auto last = static_cast<int64_t>(first.size()) - 1;
    GLINT_CHECK(clip == last || (clip == last + 1 && first.back() < static_cast<int64_t>(i)), "caption ", i,
                " of clip ", clip, " follows those of clip ", last);
    if (clip != last) first.push_back(static_cast<int64_t>(i));
  }
  first.push_back(static_cast<int64_t>(dataset.captions.size()));
  GLINT_CHECK(first.size() == dataset.clips.size() + 1, first.size() - 1, " clips have captions, of ",
              dataset.clips.size());
  return first;
}

// Captions, or clips where each epoch draws one caption a clip.
int64_t samples_of(const Dataset& dataset, const DataConfig& data) {
  return data.captions == "random" ? std::ssize(dataset.clips) : std::ssize(dataset.captions);
}

}  // namespace

void check_share(int64_t batch_size, int64_t ranks) {
  if (batch_size % ranks == 0) return;
  throw Error("config.train.batch_size is ", batch_size, ", which ", ranks,
              " processes cannot share evenly; set it to a multiple of ", ranks);
}

int64_t batches_per_epoch(const Dataset& dataset, const DataConfig& data, int64_t batch_size, int64_t ranks) {
  const int64_t samples = samples_of(dataset, data);
  if (samples < batch_size) {
    throw Error("config.train.batch_size is ", batch_size, ", more than the ", samples, " training samples of split '",
                dataset.split, "'");
  }
  check_share(batch_size, ranks);
  return samples / batch_size;
}

struct TrainLoader::Impl {
  void schedule();
  SampleResult make_sample(Batch& batch, int64_t row, int64_t epoch, int64_t place, int64_t sample) const;
  int64_t caption_of(int64_t sample, int64_t epoch) const;

  std::shared_ptr<const Dataset> dataset;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::shared_ptr<ClipSource> source;
  DataConfig data;
  int64_t max_words = 0;
  int64_t batch_size = 0;  // of all ranks together
  LoaderShard shard = {};
  bool pinned = false;
  std::uint64_t seed = 0;

  int64_t per_epoch = 0;                    // batches
  int64_t num_samples = 0;                  // captions, or clips where each epoch draws one caption a clip
  std::vector<int64_t> first_caption = {};  // of each clip, and the end of the last
  LoaderPosition scheduled = {};            // the next batch that workers have not been told of
  std::vector<int64_t> order = {};          // of the samples in epoch `scheduled.epoch`
  int64_t order_epoch = -1;
  std::unordered_set<std::string> reported = {};  // clips whose fault next() has told of
  std::deque<std::unique_ptr<PendingBatch>> queue = {};
  std::atomic<bool> stopping = false;
  std::unique_ptr<ThreadPool> pool = {};  // the last member: its threads end before what they use
};

// Tells the workers of one more batch.
void TrainLoader::Impl::schedule() {
  if (order_epoch != scheduled.epoch) {
    order = Random({seed, static_cast<std::uint64_t>(scheduled.epoch), kOrder}).permutation(num_samples);
    order_epoch = scheduled.epoch;
  }
  auto pending = std::make_unique<PendingBatch>();
  pending->batch.epoch = scheduled.epoch;
  pending->batch.index = scheduled.batch;
  const int64_t side = source->image_size();
  const int64_t rows = batch_size / shard.ranks;
  const auto bytes = torch::TensorOptions(torch::kUInt8).pinned_memory(pinned);
  const auto integers = bytes.dtype(torch::kInt64);
  pending->batch.frames = torch::empty({rows, source->num_frames(), 3, side, side}, bytes);
  pending->batch.frame_mask = torch::empty({rows, source->num_frames()}, integers);
  pending->batch.token_ids = torch::empty({rows, max_words}, integers);
  pending->batch.token_mask = torch::empty({rows, max_words}, integers);
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t place = scheduled.batch * batch_size + shard.rank * rows + row;
    const int64_t sample = order[static_cast<std::size_t>(place)];
    pending->samples.push_back(pool->submit([this, batch = pending.get(), row, epoch = scheduled.epoch, place, sample] {
      return make_sample(batch->batch, row, epoch, place, sample);
    }));
  }
  queue.push_back(std::move(pending));
  if (++scheduled.batch == per_epoch) scheduled = {scheduled.epoch + 1, 0};
}

// The caption that stands for a sample.
int64_t TrainLoader::Impl::caption_of(int64_t sample, int64_t epoch) const {
  if (data.captions != "random") return sample;
  const auto clip = static_cast<std::size_t>(sample);
  const auto count = static_cast<std::uint64_t>(first_caption[clip + 1] - first_caption[clip]);
  Random random({seed, static_cast<std::uint64_t>(epoch), kCaptionChoice, clip});
  return first_caption[clip] + static_cast<int64_t>(random.below(count));
}

// Writes one row of the batch: `sample`, which is number `place` in its epoch, or what replaces it. Run by workers.
SampleResult TrainLoader::Impl::make_sample(Batch& batch, int64_t row, int64_t epoch, int64_t place,
                                            int64_t sample) const {
  SampleResult result;
  Random replacements({seed, static_cast<std::uint64_t>(epoch), kReplacement, static_cast<std::uint64_t>(place)});
  const auto augment_key = mix({seed, static_cast<std::uint64_t>(epoch), kAugment, static_cast<std::uint64_t>(place)});
  while (!stopping) {
    result.caption = caption_of(sample, epoch);
    const Caption& caption = dataset->captions[static_cast<std::size_t>(result.caption)];
    const Clip& clip = dataset->clips[static_cast<std::size_t>(caption.clip)];
    const std::string error = source->read_into(clip, augment_key, row_of<std::uint8_t>(batch.frames, row),
                                                row_of<int64_t>(batch.frame_mask, row));
    if (error.empty()) {
      const auto tokens = tokenizer->batch({caption.text}, max_words);
      std::copy(tokens.ids.begin(), tokens.ids.end(), row_of<int64_t>(batch.token_ids, row));
      std::copy(tokens.mask.begin(), tokens.mask.end(), row_of<int64_t>(batch.token_mask, row));
      break;
    }
    if (data.on_bad_file == "fail") throw Error(error, " (data.on_bad_file is fail)");
    result.bad_clips.push_back({clip.id, error});
    if (result.bad_clips.size() == kMaxReplacements) {
      throw Error(kMaxReplacements, " videos in a row cannot be read; the last one: ", error);
    }
    sample = static_cast<int64_t>(replacements.below(static_cast<std::uint64_t>(num_samples)));
  }
  return result;
}

TrainLoader::TrainLoader(std::shared_ptr<const Dataset> dataset, std::shared_ptr<const Tokenizer> tokenizer,
                         std::shared_ptr<ClipSource> source, const DataConfig& data, const TextConfig& text,
                         int64_t batch_size, uint64_t seed, LoaderPosition start, LoaderShard shard, bool pinned)
    : impl_(std::make_unique<Impl>()) {
  impl_->dataset = std::move(dataset);
  impl_->tokenizer = std::move(tokenizer);
  impl_->source = std::move(source);
  impl_->data = data;
  impl_->max_words = text.max_words;
  impl_->batch_size = batch_size;
  impl_->shard = shard;
  impl_->pinned = pinned;
  GLINT_CHECK(shard.ranks > 0 && shard.rank >= 0 && shard.rank < shard.ranks, "rank ", shard.rank, " of ", shard.ranks);
  impl_->seed = seed;
  impl_->first_caption = first_captions(*impl_->dataset);
  impl_->num_samples = samples_of(*impl_->dataset, data);
  impl_->per_epoch = glint::batches_per_epoch(*impl_->dataset, data, batch_size, shard.ranks);
  if (start.epoch < 0 || start.batch < 0 || start.batch >= impl_->per_epoch) {
    throw Error("the run cannot go on at batch ", start.batch, " of epoch ", start.epoch, ": an epoch has ",
                impl_->per_epoch, " batches; the data or train.batch_size have changed");
  }
  impl_->scheduled = start;
  impl_->pool = std::make_unique<ThreadPool>(static_cast<int>(data.workers));
  for (int64_t i = 0; i < data.prefetch; ++i) impl_->schedule();
}

TrainLoader::~TrainLoader() {
  impl_->stopping = true;
  impl_->pool->cancel_pending();
}

Batch TrainLoader::next() {
  const auto pending = std::move(impl_->queue.front());
  impl_->queue.pop_front();
  for (auto& sample : pending->samples) sample.wait();  // all, so that no worker writes to a batch that is gone
  impl_->schedule();
  Batch& batch = pending->batch;
  for (auto& sample : pending->samples) {
    const auto result = sample.get();
    batch.samples.push_back(result.caption);
    for (const auto& bad : result.bad_clips) {
      if (impl_->reported.insert(bad.clip).second) batch.bad_clips.push_back(bad);
    }
  }
  return std::move(batch);
}

LoaderPosition TrainLoader::position() const {
  const Batch& next = impl_->queue.front()->batch;
  return {next.epoch, next.index};
}

int64_t TrainLoader::batches_per_epoch() const {
  return impl_->per_epoch;
}

}  // namespace glint
