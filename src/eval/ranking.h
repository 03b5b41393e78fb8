#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "glint/config/eval_config.h"
#include "glint/data/dataset.h"
#include "glint/eval/evaluation.h"

namespace glint {

// The captions that are asked, and the clips that are searched, in the rows of a matrix of scores.
struct AskedQueries {
  std::vector<std::string> texts;
  std::vector<int64_t> video;  // row of the text's clip
  std::vector<int64_t> clip;   // of the data set
};

// From scores [A, B] to the metrics, the ranks of every query and the signature. `clips`: those searched, by row.
void rank_scores(Evaluation& result, const torch::Tensor& scores, const Dataset& dataset, const AskedQueries& queries,
                 const std::vector<int64_t>& clips, const EvalConfig& config);

}  // namespace glint
