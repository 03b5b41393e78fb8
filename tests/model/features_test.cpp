#include "glint/model/features.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "glint/core/error.h"
#include "glint/model/losses.h"

namespace glint {
namespace {

TextFeatures some_texts(int64_t texts) {
  TextFeatures text;
  text.sentence = torch::randn({texts, 3});
  text.mask = torch::ones({texts, 2}, torch::kInt64);
  text.prepared["norm"] = torch::randn({texts});
  text.prepared["dropped"] = torch::Tensor();
  return text;
}

TEST(FeaturesTest, SlicesAreViewsAndConcatPutsThemTogetherAgain) {
  const auto text = some_texts(5);
  const auto first = slice(text, 0, 2), rest = slice(text, 2, 5);
  EXPECT_EQ(size(first), 2);
  EXPECT_EQ(size(rest), 3);
  EXPECT_EQ(rest.sentence.data_ptr<float>(), text.sentence[2].data_ptr<float>());
  EXPECT_FALSE(first.words.defined());
  EXPECT_FALSE(first.prepared.at("dropped").defined());
  const auto whole = concat(std::vector<TextFeatures>{first, rest});
  EXPECT_TRUE(torch::equal(whole.sentence, text.sentence));
  EXPECT_TRUE(torch::equal(whole.mask, text.mask));
  EXPECT_TRUE(torch::equal(whole.prepared.at("norm"), text.prepared.at("norm")));
  EXPECT_FALSE(whole.words.defined());
}

TEST(FeaturesTest, SizeIsFoundInWhateverIsThere) {
  VideoFeatures video;
  EXPECT_THROW(size(video), Bug);
  video.prepared["pooled"] = torch::zeros({4, 2});
  EXPECT_EQ(size(video), 4);
  EXPECT_EQ(size(concat(std::vector<VideoFeatures>{video, slice(video, 1, 3)})), 6);
}

TEST(FeaturesTest, PartsPreparedDifferentlyAreRefused) {
  auto other = some_texts(2);
  other.prepared.erase("norm");
  EXPECT_THROW(concat(std::vector<TextFeatures>{some_texts(1), other}), Bug);
  other = some_texts(2);
  other.sentence.reset();
  EXPECT_THROW(concat(std::vector<TextFeatures>{some_texts(1), other}), Bug);
}

TEST(ContrastiveLossTest, IsTheMeanOfBothCrossEntropies) {
  const auto logits = torch::randn({4, 4}) * 20;
  const auto target = torch::arange(4);
  const auto want = (torch::cross_entropy_loss(logits, target) + torch::cross_entropy_loss(logits.t(), target)) / 2;
  EXPECT_NEAR(contrastive_loss(logits).item<double>(), want.item<double>(), 1e-5);
  EXPECT_NEAR(contrastive_loss(torch::zeros({3, 3})).item<double>(), std::log(3.0), 1e-6);
  EXPECT_THROW(contrastive_loss(torch::zeros({3, 4})), Bug);
}

}  // namespace
}  // namespace glint
