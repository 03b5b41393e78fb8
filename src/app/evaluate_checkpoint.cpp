#include "app/evaluate_checkpoint.h"

#include <torch/torch.h>

#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/log.h"
#include "glint/data/clip_source.h"
#include "glint/data/dataset.h"
#include "glint/eval/evaluation.h"
#include "glint/eval/report.h"

namespace glint::app {

Report evaluate_checkpoint(Checkpoint checkpoint, const std::string& split, Communicator& peers, torch::Device device) {
  const auto& config = checkpoint.config;
  const bool averaged = config.eval.ema && take_average(checkpoint);
  const auto dataset = load_evaluation_set(config.data, config.eval, split);
  if (peers.rank() == 0)
    log_info("evaluating ", checkpoint.folder.string(), " on ", dataset.name, " ", split, ": ", dataset.captions.size(),
             " captions, ", dataset.clips.size(), " clips",
             averaged ? "; its weights are the moving average (eval.ema)" : "");
  const auto model = restore_model(checkpoint, Weights::kShared);
  model->to(device);
  ClipSource source(config.data, config.video);
  const auto result =
      evaluate(*model, *checkpoint.tokenizer, dataset, source, config.eval, config.text, config.data.workers, peers);
  for (const auto& skipped : result.skipped)
    if (peers.rank() == 0) log_warning(skipped.clip, ": left out: ", skipped.cause);

  Provenance provenance;
  provenance.data = dataset.name;
  provenance.split = split;
  provenance.protocol = dataset.protocol;
  provenance.selected_on = checkpoint.selected_on;
  provenance.checkpoint = checkpoint.folder.filename().string();
  provenance.weights = averaged ? "moving_average" : "model";
  provenance.config_hash = config_hash(config);
  provenance.head = head_name(config.head);
  provenance.eval = config.eval;
  auto signature = result.signature;
  const bool has_rate = config.video.sampling == "glscl" || config.video.sampling == "clip4clip";
  signature.frames = config.video.num_frames;
  if (has_rate) signature.fps = config.video.fps;
  signature.glint = GLINT_VERSION;
  provenance.signature = to_text(signature);
  return {results_json(result, provenance), results_table(result, provenance), result.ranks};
}

void write_evaluation(const std::filesystem::path& folder, const Report& report) {
  std::filesystem::create_directories(folder);
  write_ranks(folder, report.ranks);
  write_file(folder / "results.json", report.json);
}

void use_threads(int64_t threads) {
  if (threads > 0) torch::set_num_threads(static_cast<int>(threads));
}

}  // namespace glint::app
