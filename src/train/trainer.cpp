#include "glint/train/trainer.h"

#include <torch/torch.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/log.h"
#include "glint/core/progress.h"
#include "glint/core/random.h"
#include "glint/core/stop_signal.h"
#include "glint/model/losses.h"
#include "glint/train/setup.h"
#include "train/run_settings.h"

namespace glint {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point start, Clock::time_point end) {
  return std::chrono::duration<double>(end - start).count();
}

NamedParameters trainable_parameters(const RetrievalModel& model) {
  NamedParameters parameters;
  for (const auto& item : model.named_parameters()) {
    if (item.value().requires_grad()) parameters.emplace_back(item.key(), item.value());
  }
  return parameters;
}

std::vector<std::string> caption_texts(const Dataset& dataset) {
  std::vector<std::string> texts;
  for (const auto& caption : dataset.captions) texts.push_back(caption.text);
  return texts;
}

fs::path step_folder(const fs::path& run_dir, int64_t step) {
  std::ostringstream name;
  name << "step_" << std::setw(6) << std::setfill('0') << step;
  return run_dir / "checkpoints" / name.str();
}

// Replaces the link in one move.
void point_link(const fs::path& link, const fs::path& target) {
  const fs::path fresh = link.string() + ".new";
  std::error_code ignored;  // there is usually none to remove
  fs::remove(fresh, ignored);
  fs::create_symlink(target.filename(), fresh);
  fs::rename(fresh, link);
}

std::string short_number(double value) {
  if (std::isnan(value)) return "nan";  // whatever its sign
  std::ostringstream out;
  out << std::setprecision(4) << value;
  return out.str();
}

void log_bad_files(const fs::path& run_dir, const std::vector<BadFile>& files) {
  if (files.empty()) return;
  std::ofstream out(run_dir / "bad_files.jsonl", std::ios::app);
  for (const auto& file : files) {
    log_warning(file.clip, ": left out: ", file.cause);
    out << nlohmann::ordered_json{{"clip", file.clip}, {"cause", file.cause}}.dump(
               -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)
        << "\n";
  }
}

}  // namespace

Trainer::Trainer(Config config)
    : config_(std::move(config)), run_dir_(config_.run.dir), lock_(run_dir_ / ".train.lock") {
  if (!lock_.try_lock()) {
    throw Error(run_dir_.string(), ": another glint train works in this folder; let it end or set another run.dir");
  }
  claim_run_folder(run_dir_, config_);
  log_to_file(run_dir_ / "log.txt");
  dataset_ = std::make_shared<Dataset>(load_dataset(config_.data, config_.data.train_split));
  if (!config_.data.val_split.empty() && config_.train.validate_every > 0) {
    validation_ = load_evaluation_set(config_.data, config_.eval, config_.data.val_split);
  }
  source_ = std::make_shared<ClipSource>(config_.data, config_.video);
  resume();
  loader_ =
      std::make_unique<TrainLoader>(dataset_, tokenizer_, source_, config_.data, config_.text, config_.train.batch_size,
                                    static_cast<uint64_t>(config_.train.seed), state_.position);
  metrics_ = std::make_unique<MetricsLog>(run_dir_ / "metrics.jsonl", state_.step);
  log_info(dataset_->name, " ", config_.data.train_split, ": ", dataset_->clips.size(), " clips, ",
           dataset_->captions.size(), " captions, ", loader_->batches_per_epoch(), " steps an epoch of ",
           config_.train.batch_size, " pairs");
}

Trainer::~Trainer() = default;

// The newest checkpoint that is whole, or a start from nothing.
void Trainer::resume() {
  std::optional<Checkpoint> found;
  for (const auto& folder : list_checkpoints(run_dir_)) {
    try {
      found = load_checkpoint(folder);
      break;
    } catch (const Error& error) {
      log_warning(error.what(), "; trying the one before");
    }
  }
  tokenizer_ = found ? found->tokenizer : make_tokenizer(config_.text, caption_texts(*dataset_));
  model_ = found ? restore_model(*found) : make_model(config_, tokenizer_->vocabulary_size());
  if (!found) start_from_clips(config_, *dataset_, *source_, *model_);
  freeze_parameters(*model_, config_.optim.clip_lr == 0 ? "towers" : config_.model.freeze);
  trainable_ = trainable_parameters(*model_);
  optimizer_ = std::make_unique<Optimizer>(parameter_groups(trainable_, config_.optim), config_.optim);
  if (!found) return;
  optimizer_->load(load_optimizer_state(*found));
  state_ = found->state;
  saved_step_ = state_.step;
  log_info("going on from ", found->folder.string(), ", step ", state_.step);
}

int64_t Trainer::last_step() const {
  const int64_t all = loader_->batches_per_epoch() * config_.train.epochs;
  return config_.train.max_steps > 0 ? std::min(all, config_.train.max_steps) : all;
}

int64_t Trainer::run() {
  const int64_t first = state_.step;
  const int64_t steps = last_step();
  Progress progress("train", steps, "steps");
  try {
    if (state_.step > 0 && state_.position.batch == 0) after_epoch();  // where a signal came before the validation
    while (state_.step < steps) {
      if (stop_requested() != 0) throw Stopped(stop_requested());
      const auto start = Clock::now();
      const auto batch = loader_->next();
      const auto loaded = Clock::now();
      const auto stats = step(batch);
      const double waited_s = seconds_between(start, loaded);
      const double seconds = seconds_between(start, Clock::now());
      after_step(batch, stats, seconds, waited_s);
      progress.update(state_.step, concat("epoch ", batch.epoch + 1, ", loss ", short_number(stats.loss),
                                          ", data wait ", std::lround(100 * waited_s / seconds), " %"));
      if (state_.position.batch == 0) {
        after_epoch();
      } else if (config_.train.save_every > 0 && state_.step % config_.train.save_every == 0) {
        save();
      }
    }
  } catch (const Stopped& stopped) {
    save();
    log_info("stopped by signal ", stopped.signal(), " after step ", state_.step,
             "; the same command goes on from there");
    throw;
  }
  if (saved_step_ != state_.step) save();
  return state_.step - first;
}

StepStats Trainer::step(const Batch& batch) {
  model_->train();
  // Dropout draws from (seed, step) alone, so that a resumed run needs no generator's state.
  torch::manual_seed(mix({static_cast<uint64_t>(config_.train.seed), static_cast<uint64_t>(state_.step)}));
  optimizer_->zero_grad();
  const auto text = model_->encode_text(batch.token_ids, batch.token_mask);  // prepared, A = B
  const auto video = model_->encode_video(batch.frames, batch.frame_mask);   // prepared
  const auto out = model_->head().score_pairs(text, video);                  // scores [B, B]
  const auto logits = model_->logits(out.scores);                            // [B, B]
  auto loss = config_.train.loss == "sigmoid" ? sigmoid_loss(logits) : contrastive_loss(logits);
  StepStats stats;
  stats.parts.emplace_back("nce", loss.item<double>());
  for (const auto& aux : out.aux) {
    loss = loss + aux.value;
    stats.parts.emplace_back(aux.name, aux.value.item<double>());
  }
  stats.loss = loss.item<double>();
  loss.backward();
  stats.grad_norm = clip_global_norm(trainable_, config_.optim.grad_clip);
  if (!std::isfinite(stats.loss) || !std::isfinite(stats.grad_norm)) fail_diverged(stats);
  const double epochs =
      config_.optim.schedule_epochs > 0 ? config_.optim.schedule_epochs : static_cast<double>(config_.train.epochs);
  const double total = std::max(1.0, epochs * static_cast<double>(loader_->batches_per_epoch()));
  const double factor = schedule_factor(config_.optim, static_cast<double>(state_.step) / total);
  optimizer_->step(factor);
  model_->clamp_logit_scale(config_.train.max_logit_scale);
  stats.lr = config_.optim.lr * factor;
  return stats;
}

void Trainer::fail_diverged(const StepStats& stats) const {
  const auto saved = saved_step_ < 0 ? std::string("no checkpoint was saved before")
                                     : concat("the checkpoint of step ", saved_step_, " stays as it is");
  throw Error("step ", state_.step + 1, ": the training has diverged: the loss is ", short_number(stats.loss),
              " and its gradient's norm ", short_number(stats.grad_norm), "; ", saved,
              "; start again in another run.dir with a lower optim.lr or optim.clip_lr");
}

void Trainer::after_step(const Batch& batch, const StepStats& stats, double seconds, double waited_s) {
  ++state_.step;
  state_.position = loader_->position();
  log_bad_files(run_dir_, batch.bad_files);
  std::vector<std::pair<std::string, double>> line = {
      {"step", static_cast<double>(state_.step)}, {"epoch", static_cast<double>(batch.epoch)}, {"loss", stats.loss}};
  line.insert(line.end(), stats.parts.begin(), stats.parts.end());
  line.insert(line.end(), {{"lr", stats.lr},
                           {"grad_norm", stats.grad_norm},
                           {"logit_scale", model_->logit_scale().item<double>()},
                           {"samples_per_s", static_cast<double>(config_.train.batch_size) / seconds},
                           {"data_wait", waited_s / seconds}});
  metrics_->write(line);
}

void Trainer::after_epoch() {
  const int64_t epoch = state_.position.epoch;  // epochs done
  const bool due = validation_ && state_.validated_epochs < epoch &&
                   (epoch % config_.train.validate_every == 0 || epoch == config_.train.epochs);
  if (due) validate();
  state_.validated_epochs = epoch;
  if (due || saved_step_ != state_.step) save();
}

void Trainer::validate() {
  const auto result =
      evaluate(*model_, *tokenizer_, *validation_, *source_, config_.eval, config_.text, config_.data.workers);
  metrics_->write({{"step", static_cast<double>(state_.step)},
                   {"epoch", static_cast<double>(state_.position.epoch)},
                   {"t2v/R@1", result.t2v.r1},
                   {"t2v/R@5", result.t2v.r5},
                   {"t2v/R@10", result.t2v.r10},
                   {"t2v/MdR", result.t2v.median_rank},
                   {"t2v/MnR", result.t2v.mean_rank},
                   {"v2t/R@1", result.v2t.r1},
                   {"v2t/R@5", result.v2t.r5},
                   {"v2t/R@10", result.v2t.r10},
                   {"v2t/MdR", result.v2t.median_rank},
                   {"v2t/MnR", result.v2t.mean_rank},
                   {"skipped", static_cast<double>(result.skipped.size())}},
                  {{"split", config_.data.val_split}});
  const bool best = result.t2v.r1 > state_.best_score;
  if (best) {
    state_.best_score = result.t2v.r1;
    state_.best_step = state_.step;
  }
  log_info("epoch ", state_.position.epoch, ", ", config_.data.val_split, ": t2v R@1 ", short_number(result.t2v.r1),
           ", R@5 ", short_number(result.t2v.r5), ", MnR ", short_number(result.t2v.mean_rank), best ? " (best)" : "");
}

void Trainer::save() {
  const auto folder = step_folder(run_dir_, state_.step);
  save_checkpoint(folder, config_, *tokenizer_, *model_, *optimizer_, state_);
  saved_step_ = state_.step;
  point_link(run_dir_ / "checkpoints" / "last", folder);
  if (state_.best_score >= 0 && fs::exists(step_folder(run_dir_, state_.best_step))) {
    point_link(run_dir_ / "checkpoints" / "best", step_folder(run_dir_, state_.best_step));
  }
  drop_old_checkpoints();
}

void Trainer::drop_old_checkpoints() const {
  int64_t kept = 0;
  for (const auto& folder : list_checkpoints(run_dir_)) {
    const bool best = state_.best_score >= 0 && folder == step_folder(run_dir_, state_.best_step);
    if (best || ++kept <= config_.train.keep) continue;
    fs::remove_all(folder);
  }
}

}  // namespace glint
