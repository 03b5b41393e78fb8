#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "glint/config/config.h"
#include "glint/data/clip_source.h"
#include "glint/datasets/dataset.h"
#include "glint/model/retrieval_model.h"
#include "glint/text/tokenizer.h"

namespace glint {

// The tokenizer `config` asks for; a sentencepiece model without a file is trained on `captions`.
std::shared_ptr<const Tokenizer> make_tokenizer(const TextConfig& config, const std::vector<std::string>& captions);

// Where model.weights names a checkpoint (of glint import, of a run, of glint export), the settings become those its
// towers were built and trained with: sizes, picture size, tokenizer; and those of its temporal encoder and its head,
// where they are of the kind that `config` asks for. The weights themselves are not read. Throws Error where a key of
// `given` (read_config) asks for another value, naming both, or where the weights are not there or not imported yet.
void adopt_towers(Config& config, const std::set<std::string>& given);

// What is wrong where towers would start at random with the small rate of a recipe for trained ones; else empty.
std::string initialisation_fault(const Config& config);

// A model at its start: random from `config.train.seed`, then the weights of model.weights where it names some. Throws
// Error where the settings do not fit one another or the weights.
std::shared_ptr<RetrievalModel> make_model(const Config& config, int64_t vocabulary_size);

// Where model.start asks for more than make_model() does: looks at the first clips of `dataset` that can be read and
// starts the towers for them.
void initialise_from_clips(const Config& config, const Dataset& dataset, ClipSource& source, RetrievalModel& model);

}  // namespace glint
