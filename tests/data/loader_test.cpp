#include "glint/data/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <fstream>
#include <set>

#include "data/tiny_video.h"
#include "glint/core/error.h"
#include "glint/data/frame_cache.h"
#include "support/descriptor_limit.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

// One id a letter.
class LetterTokenizer : public Tokenizer {
 public:
  std::vector<int64_t> encode(std::string_view text) const override { return {text.begin(), text.end()}; }
  int64_t vocabulary_size() const override { return 302; }
  int64_t start_id() const override { return 300; }
  int64_t end_id() const override { return 301; }
  std::string name() const override { return "letters"; }
  std::string serialized() const override { return ""; }
};

// Clip i has i % 3 + 1 captions, "i/0", "i/1", ..., and a grey picture of luma 40 + 5 i.
class TrainLoaderTest : public testing::Test {
 protected:
  static constexpr int kClips = 13;

  TrainLoaderTest() {
    video_.num_frames = 2;
    video_.image_size = 4;
    text_.max_words = 8;
    data_.workers = 3;
    for (int i = 0; i < kClips; ++i) {
      write_tiny_video(folder_ / concat(i, ".y4m"), 1, 1, 40 + 5 * i);
      Clip clip;
      clip.id = concat(i);
      clip.file = folder_ / concat(i, ".y4m");
      dataset_.clips.push_back(clip);
      for (int c = 0; c <= i % 3; ++c) dataset_.captions.push_back({concat(i, "/", c), i});
    }
  }
  std::unique_ptr<TrainLoader> loader(int64_t batch_size, uint64_t seed = 7, LoaderPosition start = {},
                                      LoaderShard share = {}) const {
    return std::make_unique<TrainLoader>(std::make_shared<Dataset>(dataset_), std::make_shared<LetterTokenizer>(),
                                         std::make_shared<ClipSource>(data_, video_), data_, text_, batch_size, seed,
                                         start, share);
  }
  int64_t clip_of(int64_t sample) const { return dataset_.captions[static_cast<std::size_t>(sample)].clip; }
  void break_clip(int i) const { std::ofstream(folder_ / concat(i, ".y4m")) << "broken"; }
  static double brightness(int64_t clip) { return static_cast<double>(40 + 5 * clip - 16) * 255 / 219; }  // of luma
  // That frames and tokens are those of the samples.
  void expect_consistent(const Batch& batch) const {
    for (int64_t row = 0; row < static_cast<int64_t>(batch.samples.size()); ++row) {
      const auto& caption = dataset_.captions[static_cast<std::size_t>(batch.samples[static_cast<std::size_t>(row)])];
      const auto tokens = LetterTokenizer().batch({caption.text}, text_.max_words);
      EXPECT_TRUE(torch::equal(batch.token_ids[row], torch::tensor(tokens.ids)));
      EXPECT_TRUE(torch::equal(batch.token_mask[row], torch::tensor(tokens.mask)));
      EXPECT_NEAR(batch.frames[row][0][0][0][0].item<int>(), brightness(caption.clip), 1);
      EXPECT_TRUE(torch::equal(batch.frame_mask[row], torch::tensor({1, 0}, torch::kInt64)));
    }
  }
  static std::vector<std::vector<int64_t>> samples(TrainLoader& loader, int batches) {
    std::vector<std::vector<int64_t>> all;
    for (int i = 0; i < batches; ++i) all.push_back(loader.next().samples);
    return all;
  }
  TemporaryFolder folder_;
  Dataset dataset_;
  DataConfig data_;
  VideoConfig video_;
  TextConfig text_;
};

TEST_F(TrainLoaderTest, AnEpochShowsEachCaptionOnceWithItsClip) {
  const auto loads = loader(4);
  ASSERT_EQ(dataset_.captions.size(), 25u);
  EXPECT_EQ(loads->batches_per_epoch(), 6);
  for (int epoch = 0; epoch < 2; ++epoch) {
    std::set<int64_t> seen;
    for (int i = 0; i < 6; ++i) {
      EXPECT_EQ(loads->position().epoch, epoch);
      EXPECT_EQ(loads->position().batch, i);
      const auto batch = loads->next();
      EXPECT_EQ(batch.epoch, epoch);
      EXPECT_EQ(batch.index, i);
      EXPECT_EQ(batch.frames.sizes(), (torch::IntArrayRef{4, 2, 3, 4, 4}));
      expect_consistent(batch);
      seen.insert(batch.samples.begin(), batch.samples.end());
    }
    EXPECT_EQ(seen.size(), 24u);  // the 25th makes no whole batch
  }
}

TEST_F(TrainLoaderTest, TheOrderDependsOnSeedAndEpochAlone) {
  const auto expected = samples(*loader(5), 12);
  EXPECT_NE(expected[0], expected[5]);  // the first batches of two epochs
  EXPECT_NE(expected, samples(*loader(5, 8), 12));
  data_.workers = 1;
  data_.prefetch = 1;
  EXPECT_EQ(expected, samples(*loader(5), 12));
  const auto resumed = samples(*loader(5, 7, {1, 2}), 5);
  EXPECT_EQ(resumed, (std::vector<std::vector<int64_t>>(expected.begin() + 7, expected.end())));
}

TEST_F(TrainLoaderTest, RandomCaptionsGiveEachClipOnceAnEpoch) {
  data_.captions = "random";
  const auto loads = loader(13);
  std::set<int64_t> captions;
  for (int epoch = 0; epoch < 20; ++epoch) {
    const auto batch = loads->next();
    expect_consistent(batch);
    std::set<int64_t> clips;
    for (const auto sample : batch.samples) clips.insert(clip_of(sample));
    EXPECT_EQ(clips.size(), 13u);
    captions.insert(batch.samples.begin(), batch.samples.end());
  }
  EXPECT_EQ(captions.size(), dataset_.captions.size());
}

TEST_F(TrainLoaderTest, BadFilesAreReplacedTheSameWayEachTimeAndReportedOnce) {
  break_clip(2);
  break_clip(5);
  const auto loads = loader(5);
  std::vector<std::vector<int64_t>> seen;
  std::multiset<std::string> reported;
  for (int i = 0; i < 10; ++i) {
    const auto batch = loads->next();
    expect_consistent(batch);
    for (const auto& bad : batch.bad_clips) {
      reported.insert(bad.clip);
      EXPECT_THAT(bad.cause, HasSubstr(bad.clip + ".y4m"));
    }
    seen.push_back(batch.samples);
  }
  EXPECT_EQ(reported, (std::multiset<std::string>{"2", "5"}));
  data_.workers = 1;
  EXPECT_EQ(seen, samples(*loader(5), 10));
  EXPECT_EQ(seen[7], samples(*loader(5, 7, {1, 2}), 1)[0]);
}

TEST_F(TrainLoaderTest, ABadFileThrowsWhereThePolicyIsFail) {
  break_clip(3);
  data_.on_bad_file = "fail";
  const auto loads = loader(5);
  EXPECT_THAT([&] { samples(*loads, 5); },
              ThrowsMessage<Error>(testing::AllOf(HasSubstr("3.y4m"), HasSubstr("on_bad_file"))));
}

TEST_F(TrainLoaderTest, AFileThatIsGoneReplacesNoSampleButEndsTheWork) {
  const auto loads = loader(5);
  std::filesystem::remove(folder_ / "3.y4m");
  EXPECT_THAT([&] { samples(*loads, 10); },
              ThrowsMessage<Error>(HasSubstr("3.y4m: was there when the work began and is not there now")));
}

TEST_F(TrainLoaderTest, AMachineShortOfDescriptorsReplacesNoSampleButEndsTheWork) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer asks for descriptors of its own";
#endif
  const NoMoreDescriptors shortage;
  const auto loads = loader(5);
  EXPECT_THAT([&] { loads->next(); }, ThrowsMessage<NotNow>(HasSubstr(".y4m")));
}

TEST_F(TrainLoaderTest, ManyBadFilesInARowEndTheRun) {
  for (int i = 0; i < kClips; ++i) break_clip(i);
  EXPECT_THAT([&] { loader(5)->next(); }, ThrowsMessage<Error>(HasSubstr("100 videos in a row cannot be read")));
}

TEST_F(TrainLoaderTest, WhatDoesNotFitTheDataIsRefused) {
  EXPECT_THAT([&] { loader(26); },
              ThrowsMessage<Error>(HasSubstr("config.train.batch_size is 26, more than the 25 training samples")));
  EXPECT_THAT([&] { loader(5, 7, {0, 5}); }, ThrowsMessage<Error>(HasSubstr("the run cannot go on at batch 5")));
}

TEST_F(TrainLoaderTest, AugmentedBatchesDependOnSeedAndEpochAlone) {
  for (int i = 0; i < kClips; ++i) write_still_video(folder_ / concat(i, ".y4m"), 2, 20, 14, static_cast<uint64_t>(i));
  break_clip(4);
  data_.captions = "random";
  const auto frames_of = [](TrainLoader& loader, int batches) {
    std::vector<torch::Tensor> frames;
    for (int i = 0; i < batches; ++i) frames.push_back(loader.next().frames);
    return torch::stack(frames);  // [batches, B, T, 3, R, R]
  };
  const auto plain = frames_of(*loader(4), 6);
  for (const char* augment : {"rand_augment", "resized_crop_flip"}) {
    video_.augment = augment;
    data_.workers = 3;
    data_.cache_mb = 0;
    const auto expected = frames_of(*loader(4), 6);  // two epochs
    EXPECT_FALSE(torch::equal(expected, plain)) << augment;
    EXPECT_FALSE(torch::equal(expected, frames_of(*loader(4, 8), 6))) << augment;
    data_.workers = 1;
    data_.cache_mb = 1;
    EXPECT_TRUE(torch::equal(expected, frames_of(*loader(4), 6))) << augment;
    EXPECT_TRUE(torch::equal(expected.slice(0, 2), frames_of(*loader(4, 7, {0, 2}), 4))) << augment;
  }
}

TEST_F(TrainLoaderTest, EachEpochAugmentsAClipAnew) {
  dataset_.clips.resize(1);
  dataset_.captions.resize(1);
  write_still_video(folder_ / "0.y4m", 2, 20, 14, 1);
  video_.augment = "resized_crop_flip";
  const auto loads = loader(1);
  std::set<std::string> different;
  for (int epoch = 0; epoch < 10; ++epoch) {
    const auto batch = loads->next();
    different.emplace(static_cast<const char*>(batch.frames.data_ptr()), batch.frames.nbytes());
  }
  EXPECT_GE(different.size(), 9u);
}

// All tensors of a batch as bytes, and its samples.
std::string content(const Batch& batch) {
  std::string bytes;
  for (const auto& tensor : {batch.frames, batch.frame_mask, batch.token_ids, batch.token_mask}) {
    bytes.append(static_cast<const char*>(tensor.data_ptr()), tensor.nbytes());
  }
  for (const auto sample : batch.samples) bytes += concat(sample, ' ');
  return bytes;
}

TEST_F(TrainLoaderTest, BatchesAreTheSameWhateverTheNumberOfWorkersAndWhereverClipsComeFrom) {
  for (int i = 0; i < kClips; ++i) write_still_video(folder_ / concat(i, ".y4m"), 2, 20, 14, static_cast<uint64_t>(i));
  break_clip(6);
  data_.captions = "random";
  video_.augment = "rand_augment";
  data_.prefetch = 2;
  const auto batches = [&] {
    std::string bytes;
    const auto loads = loader(4);
    for (int i = 0; i < 6; ++i) bytes += content(loads->next());
    return bytes;
  };
  data_.workers = 1;
  const auto expected = batches();
  for (const int64_t workers : {2, 5}) {
    data_.workers = workers;
    EXPECT_EQ(batches(), expected) << workers;
  }
  data_.cache = (folder_ / "cache").string();
  EXPECT_EQ(build_frame_cache(dataset_.clips, data_, video_).made, kClips - 1);
  for (const int64_t workers : {1, 2, 5}) {
    data_.workers = workers;
    EXPECT_EQ(batches(), expected) << workers << ", cached";
  }
}

TEST_F(TrainLoaderTest, TheBatchesOfTheRanksPutTogetherAreThatOfOneProcess) {
  for (int i = 0; i < kClips; ++i) write_still_video(folder_ / concat(i, ".y4m"), 2, 20, 14, static_cast<uint64_t>(i));
  break_clip(4);
  video_.augment = "resized_crop_flip";
  for (const char* captions : {"all", "random"}) {
    data_.captions = captions;
    const auto whole = loader(6);
    std::vector<std::unique_ptr<TrainLoader>> ranks;
    for (int64_t rank = 0; rank < 3; ++rank) {
      data_.workers = rank + 1;
      ranks.push_back(loader(6, 7, {}, {.rank = rank, .ranks = 3}));
      EXPECT_EQ(ranks.back()->batches_per_epoch(), whole->batches_per_epoch());
    }
    for (int i = 0; i < 7; ++i) {
      const auto expected = whole->next();
      Batch joined;
      std::vector<torch::Tensor> frames, frame_masks, ids, masks;
      for (const auto& rank : ranks) {
        const auto part = rank->next();
        EXPECT_EQ(part.samples.size(), 2u);
        frames.push_back(part.frames);
        frame_masks.push_back(part.frame_mask);
        ids.push_back(part.token_ids);
        masks.push_back(part.token_mask);
        joined.samples.insert(joined.samples.end(), part.samples.begin(), part.samples.end());
      }
      joined.frames = torch::cat(frames);
      joined.frame_mask = torch::cat(frame_masks);
      joined.token_ids = torch::cat(ids);
      joined.token_mask = torch::cat(masks);
      EXPECT_EQ(content(joined), content(expected)) << captions << ", batch " << i;
    }
  }
  EXPECT_THAT([&] { loader(5, 7, {}, {.rank = 0, .ranks = 2}); },
              ThrowsMessage<Error>(HasSubstr("config.train.batch_size is 5, which 2 processes cannot share evenly")));
}

TEST_F(TrainLoaderTest, APoisonedFileChangesNoOtherSampleAndIsToldOfOnce) {
  const auto sound = loader(5);
  std::vector<Batch> expected;
  for (int i = 0; i < 10; ++i) expected.push_back(sound->next());  // two epochs
  break_clip(7);
  const auto loads = loader(5);
  int replaced = 0, told = 0;
  for (const auto& before : expected) {
    const auto batch = loads->next();
    told += static_cast<int>(batch.bad_clips.size());
    for (int64_t row = 0; row < 5; ++row) {
      const auto i = static_cast<std::size_t>(row);
      if (clip_of(before.samples[i]) == 7) {
        ++replaced;
        EXPECT_NE(clip_of(batch.samples[i]), 7);
        continue;
      }
      EXPECT_EQ(batch.samples[i], before.samples[i]);
      EXPECT_TRUE(torch::equal(batch.frames[row], before.frames[row]));
      EXPECT_TRUE(torch::equal(batch.token_ids[row], before.token_ids[row]));
    }
  }
  EXPECT_EQ(replaced, 4);  // two captions, two epochs of all 25
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace glint::test
