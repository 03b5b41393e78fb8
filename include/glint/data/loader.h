#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "glint/config/data_config.h"
#include "glint/config/text_config.h"
#include "glint/data/clip_source.h"
#include "glint/datasets/dataset.h"
#include "glint/text/tokenizer.h"

namespace glint {

// A clip whose file gives no frames.
struct BadClip {
  std::string clip;  // its id
  std::string cause;
};

// B pairs (of one process): text i belongs to video i. L = text.max_words, T, R as in ClipFrames.
struct Batch {
  torch::Tensor token_ids;         // int64 [B, L]
  torch::Tensor token_mask;        // int64 [B, L]
  torch::Tensor frames;            // uint8 [B, T, 3, R, R]
  torch::Tensor frame_mask;        // int64 [B, T]
  std::vector<int64_t> samples;    // which captions of the data set
  std::vector<BadClip> bad_clips;  // met for the first time while this batch was made
  int64_t epoch = 0;
  int64_t index = 0;  // in its epoch
};

// Where the loader stands; what a checkpoint keeps.
struct LoaderPosition {
  int64_t epoch = 0;
  int64_t batch = 0;  // the next one, in its epoch
};

// Which rows of every batch one process makes: of B = train.batch_size those of [rank * B / ranks, (rank + 1) * B /
// ranks).
struct LoaderShard {
  int64_t rank = 0;  // [0, ranks)
  int64_t ranks = 1;
};

// Throws Error where so many processes cannot share a batch evenly.
void check_share(int64_t batch_size, int64_t ranks);

// Steps of an epoch; the last incomplete batch is dropped. Throws Error where there is no whole one, or check_share()
// would.
int64_t batches_per_epoch(const Dataset& dataset, const DataConfig& data, int64_t batch_size, int64_t ranks);

// Endless training batches in an order that depends on (seed, epoch) alone, decoded by worker threads ahead of use. The
// last incomplete batch of an epoch is dropped. What video.augment draws for a sample depends on (seed, epoch, index)
// alone. A sample whose file is bad is replaced by another sample, chosen by (seed, epoch, index) alone, and reported
// once (by each process that meets it); data.on_bad_file = fail throws instead. So the batches are the same whatever
// the number of workers, and those of several processes put together are that of one. What ClipSource throws is thrown
// in the turn of its batch: no sample is ever replaced because of the machine.
class TrainLoader {
 public:
  // `pinned`: batches lie where a GPU can fetch them by itself.
  TrainLoader(std::shared_ptr<const Dataset> dataset, std::shared_ptr<const Tokenizer> tokenizer,
              std::shared_ptr<ClipSource> source, const DataConfig& data, const TextConfig& text, int64_t batch_size,
              uint64_t seed, LoaderPosition start = {}, LoaderShard shard = {}, bool pinned = false);
  ~TrainLoader();  // stops the workers within one decode

  Batch next();                     // rethrows what a worker threw: Stopped soon after a signal, in mid-decode too
  LoaderPosition position() const;  // of the batch that next() gives next
  int64_t batches_per_epoch() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace glint
