#include "train/run_start.h"

#include <torch/torch.h>

#include <string>
#include <vector>

#include "glint/core/error.h"
#include "glint/core/log.h"
#include "glint/weights/initialisation.h"

namespace glint {
namespace {

std::optional<Checkpoint> newest_whole(const std::filesystem::path& run_dir) {
  for (const auto& folder : list_checkpoints(run_dir)) {
    try {
      return load_checkpoint(folder);
    } catch (const BadFile& error) {  // what the machine or a permission keeps from us is no reason to train again
      log_warning(error.what(), "; trying the one before");
    }
  }
  return std::nullopt;
}

// Rank 0 looks, so that all take the same.
std::optional<Checkpoint> newest_checkpoint(const std::filesystem::path& run_dir, Communicator& peers) {
  const bool looks = peers.rank() == 0;
  auto found = looks ? newest_whole(run_dir) : std::nullopt;
  const auto folder = peers.all_gather(found ? found->folder.string() : std::string()).front();
  if (!looks && !folder.empty()) found = load_checkpoint(folder);
  return found;
}

std::shared_ptr<const Tokenizer> own_tokenizer(const TextConfig& config, const Dataset& dataset) {
  std::vector<std::string> captions;
  for (const auto& caption : dataset.captions) captions.push_back(caption.text);
  return make_tokenizer(config, captions);
}

// One that is trained on the captions is rank 0's for all.
std::shared_ptr<const Tokenizer> first_tokenizer(const TextConfig& config, const Dataset& dataset,
                                                 Communicator& peers) {
  const bool trained = config.tokenizer == "sentencepiece" && config.vocabulary.empty();
  if (!trained || peers.ranks() == 1) return own_tokenizer(config, dataset);
  const auto own = peers.rank() == 0 ? own_tokenizer(config, dataset) : nullptr;
  const auto bytes = peers.all_gather(own ? own->serialized() : std::string()).front();
  return own ? own : sentencepiece_tokenizer(bytes);
}

// Rank 0's weights everywhere.
std::shared_ptr<RetrievalModel> first_model(const Config& config, const Dataset& dataset, ClipSource& source,
                                            int64_t vocabulary_size, Communicator& peers) {
  auto model = make_model(config, vocabulary_size);
  if (peers.rank() == 0) initialise_from_clips(config, dataset, source, *model);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : model->parameters()) {
    auto values = parameter.detach();
    peers.broadcast(values);
  }
  return model;
}

}  // namespace

RunStart start_run(const Config& config, const Dataset& dataset, ClipSource& source, Communicator& peers) {
  RunStart start;
  start.checkpoint = newest_checkpoint(config.run.dir, peers);
  if (start.checkpoint) {
    start.tokenizer = start.checkpoint->tokenizer;
    start.model = restore_model(*start.checkpoint);
  } else {
    start.tokenizer = first_tokenizer(config.text, dataset, peers);
    start.model = first_model(config, dataset, source, start.tokenizer->vocabulary_size(), peers);
  }
  return start;
}

}  // namespace glint
