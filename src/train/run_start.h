#pragma once

#include <memory>
#include <optional>

#include "glint/config/config.h"
#include "glint/data/clip_source.h"
#include "glint/datasets/dataset.h"
#include "glint/dist/communicator.h"
#include "glint/model/retrieval_model.h"
#include "glint/text/tokenizer.h"
#include "glint/weights/checkpoint.h"

namespace glint {

// What a run trains, on the CPU: the same on all processes.
struct RunStart {
  std::optional<Checkpoint> checkpoint;  // which the run goes on from; none: it begins
  std::shared_ptr<const Tokenizer> tokenizer;
  std::shared_ptr<RetrievalModel> model;
};

// From the run folder's newest checkpoint that is whole, or from nothing. All processes call it.
RunStart start_run(const Config& config, const Dataset& dataset, ClipSource& source, Communicator& peers);

}  // namespace glint
