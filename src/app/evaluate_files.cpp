#include "app/evaluate_files.h"

#include <torch/torch.h>

#include <string_view>
#include <utility>

#include "glint/config/head_config.h"
#include "glint/core/error.h"
#include "glint/core/log.h"
#include "glint/eval/evaluation.h"
#include "glint/eval/vector_file.h"
#include "glint/io/file_tensor.h"
#include "glint/model/head.h"

namespace glint::app {
namespace {

namespace fs = std::filesystem;

Provenance provenance_of_files(const EvaluatedSet& set, const EvalConfig& config) {
  Provenance provenance;
  provenance.data = set.data;
  provenance.split = set.split;
  provenance.protocol = set.protocol;
  provenance.selected_on = "none";
  provenance.weights = "";
  provenance.eval = config;
  return provenance;
}

}  // namespace

Report evaluate_vectors(const fs::path& texts_file, const fs::path& videos_file, const fs::path& truth,
                        const EvalConfig& given, const fs::path& scores) {
  auto config = given;
  auto texts = read_vectors(texts_file), videos = read_vectors(videos_file);
  const auto set = set_of_ids(texts.ids, videos.ids, truth, config);
  log_info("evaluating the cosines of ", texts.ids.size(), " texts and ", videos.ids.size(), " videos");
  const auto head = make_head(MeanPoolConfig{}, FeatureShape{texts.vectors.sizes().back(), 1, 1});
  head->eval();
  const torch::NoGradGuard no_grad;
  auto provenance = provenance_of_files(set, config);
  provenance.head = "cosine";
  provenance.features = concat(texts_file.string(), " ", videos_file.string());
  const auto features = features_of_vectors(std::move(texts), std::move(videos), set, *head, config.batch_size);
  EvaluationWork work;
  work.config = config;
  work.keeps_ranks = true;
  work.scores = scores;
  work.score_notes = notes_of(provenance);
  const auto result = evaluate(*head, *features, work, *Communicator::alone());
  return report_of(result, std::move(provenance));
}

Report evaluate_scores(const fs::path& file, const fs::path& truth, const EvalConfig& given) {
  EvaluationWork work;
  work.config = given;
  work.keeps_ranks = true;
  const torch::NoGradGuard no_grad;
  if (truth.empty()) {
    const auto ours = read_scores(file);
    auto provenance = provenance_of(ours.metadata);
    const auto precision = provenance.eval.precision;
    provenance.data = ours.set.data;
    provenance.split = ours.set.split;
    provenance.protocol = ours.set.protocol;
    provenance.eval = work.config;
    provenance.eval.precision = precision;
    return report_of(rank_scores(ours.scores, ours.set, work), std::move(provenance));
  }
  const auto foreign = read_foreign_scores(file);
  const auto set = set_of_ids(foreign.texts, foreign.videos, truth, work.config);
  auto provenance = provenance_of_files(set, work.config);
  provenance.head = "scores";
  return report_of(rank_scores(foreign.scores, set, work), std::move(provenance));
}

}  // namespace glint::app
