#include "train/run_log.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/json.h"
#include "glint/core/log.h"
#include "glint/device/device.h"
#include "train/selection.h"
#include "train/short_number.h"

namespace glint {

namespace fs = std::filesystem;

namespace {

using Numbers = std::vector<std::pair<std::string, double>>;

void append(Numbers& line, const Numbers& more) {
  line.insert(line.end(), more.begin(), more.end());
}

void append(Numbers& line, const std::string& prefix, const Numbers& more) {
  for (const auto& [name, value] : more) line.emplace_back(prefix + name, value);
}

double waited_s(const LapTimer& timer) {
  double seconds = 0;
  for (const auto& [part, part_s] : timer.parts()) seconds += part == "wait" ? part_s : 0;
  return seconds;
}

Numbers numbers_of(const RetrievalMetrics& metrics) {
  return {{"R@1", metrics.r1},
          {"R@5", metrics.r5},
          {"R@10", metrics.r10},
          {"MdR", metrics.median_rank},
          {"MnR", metrics.mean_rank}};
}

}  // namespace

RunLog::RunLog(const Config& config, const std::vector<ParameterGroup>& groups, MachineUse use, int64_t done,
               int64_t steps)
    : train_split_(config.data.train_split),
      val_split_(config.data.val_split),
      select_(config.train.select),
      batch_size_(config.train.batch_size),
      metrics_(fs::path(config.run.dir) / "metrics.jsonl", done),
      use_(std::move(use)),
      progress_("train", steps, "steps") {
  for (const auto& group : groups) groups_.push_back(group.parameters.empty() ? std::string() : group.name);
}

void RunLog::start(const Dataset& dataset, int64_t steps_per_epoch, int64_t processes, torch::Device device) const {
  log_info(dataset.name, " ", train_split_, ": ", dataset.clips.size(), " clips, ", dataset.captions.size(),
           " captions, ", steps_per_epoch, " steps an epoch of ", batch_size_, " pairs",
           processes > 1 ? concat(" over ", processes, " processes") : std::string(),
           device.is_cpu() ? std::string()
                           : concat(", on ", find_gpus().gpus.at(static_cast<std::size_t>(device.index())).name));
}

void RunLog::step(const StepStats& stats, double logit_scale, const LapTimer& timer) {
  const double seconds = timer.seconds();
  const double waited = waited_s(timer) / seconds;
  Numbers line = {{"step", static_cast<double>(stats.step)},
                  {"epoch", static_cast<double>(stats.epoch)},
                  {"loss", stats.losses.loss}};
  append(line, stats.losses.parts);
  append(line, {{"lr", stats.lr}, {"grad_norm", stats.norms.all}});
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    if (!groups_[i].empty()) line.emplace_back("grad_norm/" + groups_[i], stats.norms.groups[i]);
  }
  append(line, "loss_grad_norm/", stats.part_norms);
  append(line, {{"logit_scale", logit_scale}, {"samples_per_s", static_cast<double>(batch_size_) / seconds}});
  if (stats.verdict != StepVerdict::kSound) line.emplace_back("left_out", 1);
  if (stats.loss_scale) line.emplace_back("loss_scale", *stats.loss_scale);
  line.emplace_back("data_wait", waited);
  append(line, "seconds/", timer.parts());
  append(line, use_.of(timer, stats.tower_macs));
  metrics_.write(line);
  progress_.update(stats.step, concat("epoch ", stats.epoch + 1, ", loss ", short_number(stats.losses.loss),
                                      ", data wait ", std::lround(100 * waited), " %"));
}

void RunLog::validation(const Evaluation& result, const TrainState& state, int64_t steps_per_epoch) {
  const bool is_best = state.best_step == state.step;
  const double epoch = static_cast<double>(state.step) / static_cast<double>(steps_per_epoch);
  Numbers line = {{"step", static_cast<double>(state.step)}, {"epoch", epoch}};
  append(line, "t2v/", numbers_of(result.t2v));
  append(line, "v2t/", numbers_of(result.v2t));
  const double selected = selected_metric(result.t2v, result.v2t, select_);
  const auto is_selected = [this](const auto& number) { return number.first == select_; };
  if (std::none_of(line.begin(), line.end(), is_selected)) line.emplace_back(select_, selected);
  line.emplace_back("skipped", static_cast<double>(result.skipped.size()));
  metrics_.write(line, {{"split", val_split_}});
  const auto first = select_ == "t2v/R@1" ? std::string() : concat(select_, " ", short_number(selected), ", ");
  log_info("epoch ", short_number(epoch), ", ", val_split_, ": ", first, "t2v R@1 ", short_number(result.t2v.r1),
           ", R@5 ", short_number(result.t2v.r5), ", MnR ", short_number(result.t2v.mean_rank),
           is_best ? " (best)" : "");
}

}  // namespace glint
