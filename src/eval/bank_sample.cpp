#include "glint/eval/bank_sample.h"

#include <algorithm>
#include <vector>

#include "glint/core/error.h"
#include "glint/core/random.h"

namespace glint {
namespace {

// `count` of `all` things, ascending.
std::vector<std::int64_t> drawn(std::int64_t count, std::int64_t all, std::int64_t seed, std::uint64_t kind,
                                const char* name) {
  if (count > all) throw Error("eval.bank: ", name, ":", count, " is more than the training split's ", all);
  auto order = Random({static_cast<std::uint64_t>(seed), kind}).permutation(all);
  order.resize(static_cast<std::size_t>(count));
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace

BankSample sample_bank(const Dataset& training, const EvalBank& bank, std::int64_t seed) {
  const auto all_captions = std::ssize(training.captions), all_clips = std::ssize(training.clips);
  const auto captions = bank.captions.value_or(all_captions);
  const auto videos = bank.videos_as_captions ? std::min(all_clips, bank.captions.value_or(all_clips))
                                              : bank.videos.value_or(all_clips);
  BankSample sample;
  sample.captions.name = sample.clips.name = training.name;
  sample.captions.split = sample.clips.split = training.split;
  sample.captions.protocol = sample.clips.protocol = training.protocol;
  for (const auto i : drawn(captions, all_captions, seed, 1, "train_captions"))
    sample.captions.captions.push_back(training.captions[static_cast<std::size_t>(i)]);
  for (const auto i : drawn(videos, all_clips, seed, 2, "train_videos"))
    sample.clips.clips.push_back(training.clips[static_cast<std::size_t>(i)]);
  const bool is_drawn = captions < all_captions || videos < all_clips;
  sample.name =
      concat("train_captions:", captions, "+train_videos:", videos, is_drawn ? concat("+seed:", seed) : std::string());
  return sample;
}

}  // namespace glint
