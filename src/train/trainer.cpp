#include "glint/train/trainer.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <map>
#include <set>

#include "glint/config/config_file.h"
#include "glint/core/activity.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/log.h"
#include "glint/core/shortage.h"
#include "glint/core/stop_signal.h"
#include "glint/device/device.h"
#include "train/bad_files.h"
#include "train/machine_use.h"
#include "train/run_log.h"
#include "train/run_settings.h"
#include "train/run_start.h"
#include "train/selection.h"
#include "train/short_number.h"
#include "train/step_guard.h"
#include "train/step_trace.h"
#include "train/validation_plan.h"

namespace glint {

namespace {

NamedParameters trainable_parameters(const RetrievalModel& model) {
  NamedParameters parameters;
  for (const auto& item : model.named_parameters()) {
    if (item.value().requires_grad()) parameters.emplace_back(item.key(), item.value());
  }
  return parameters;
}

// Does a step change what the towers give? The scale and bias of the scores come behind them.
bool trains_towers(const NamedParameters& trainable) {
  return std::any_of(trainable.begin(), trainable.end(), [](const auto& parameter) {
    return parameter.first.starts_with("clip.") && !parameter.first.starts_with("clip.logit_");
  });
}

std::set<std::string> clips_of(const Batch& batch, const Dataset& dataset) {
  std::set<std::string> clips;
  for (const auto sample : batch.samples) {
    const auto clip = dataset.captions[static_cast<std::size_t>(sample)].clip;
    clips.insert(dataset.clips[static_cast<std::size_t>(clip)].id);
  }
  return clips;
}

}  // namespace

Trainer::Trainer(Config config, std::shared_ptr<Communicator> peers, torch::Device device)
    : config_(std::move(config)),
      peers_(std::move(peers)),
      device_(device),
      run_dir_(config_.run.dir),
      lock_(run_dir_ / ".train.lock"),
      guard_(std::make_unique<StepGuard>(config_.train.bad_steps)),
      timer_(make_work_clock(device)) {
  if (!device_.is_cpu()) use_tf32(config_.train.tf32);
  if (leads()) open_run_folder();
  peers_->barrier();
  load_data();
  leave_out_bad_files();
  start();
  loader_ = std::make_unique<TrainLoader>(dataset_, tokenizer_, source_, config_.data, config_.text,
                                          config_.train.batch_size, static_cast<uint64_t>(config_.train.seed),
                                          state_.position, LoaderShard{peers_->rank(), peers_->ranks()},
                                          /*pinned=*/!device_.is_cpu());
  check_length();
  if (!leads()) return;
  write_file(run_dir_ / "config.yaml", config_text(config_));
  if (!resumed_from_.empty()) log_info("going on from ", resumed_from_.string(), ", step ", state_.step);
  start_log();
  tell_schedule();
}

Trainer::~Trainer() = default;

void Trainer::open_run_folder() {
  if (!lock_.try_lock()) {
    throw Error(run_dir_.string(), ": another glint train works in this folder; let it end or set another run.dir");
  }
  check_run_settings(run_dir_, config_);
  log_to_file(run_dir_ / "log.txt");
}

void Trainer::load_data() {
  dataset_ = std::make_shared<Dataset>(load_dataset(config_.data, config_.data.train_split));
  if (!config_.data.val_split.empty() && config_.train.validate_every > 0) {
    auto eval = config_.eval;
    eval.ids.clear();  // of the test split
    eval.captions = EvalConfig().captions;
    validation_ = load_evaluation_set(config_.data, eval, config_.data.val_split);
  }
  source_ = std::make_shared<ClipSource>(config_.data, config_.video);
  // Read more often than once an epoch, they go before the training clips.
  if (validation_ && config_.train.validate_every < 1) source_->keep_room_for(validation_->clips);
  state_.data = fingerprint(*dataset_);
  if (leads() && validation_) warn_of_overlap(*dataset_, *validation_, "validation");
}

// What this run has found bad before stays left out, for all processes alike: else a resumed run would train on other
// batches than an unbroken one.
void Trainer::leave_out_bad_files() {
  bad_files_ = std::make_unique<BadFiles>(run_dir_);
  std::map<std::string, std::string> causes;  // by clip
  for (const auto& text : peers_->all_gather(bad_files_text(bad_files_->read()))) {
    for (const auto& bad : parse_bad_files(text)) causes.emplace(bad.clip, bad.cause);
  }
  if (causes.empty()) return;
  const auto leave_out = [&](const Dataset& dataset) {
    for (const auto& clip : dataset.clips) {
      if (const auto known = causes.find(clip.id); known != causes.end()) source_->leave_out(clip, known->second);
    }
  };
  leave_out(*dataset_);
  if (validation_) leave_out(*validation_);
  if (!leads()) return;
  log_info(causes.size(),
           " clips stay left out, as this run has found their files bad; to have them tried again, delete ",
           bad_files_->path().string());
}

void Trainer::start() {
  const auto start = start_run(config_, *dataset_, *source_, *peers_);
  tokenizer_ = start.tokenizer;
  model_ = start.model;
  model_->to(device_);
  freeze_parameters(*model_, config_.optim.clip_lr == 0 ? "towers" : config_.model.freeze);
  const auto trainable = trainable_parameters(*model_);
  if (!trains_towers(trainable)) towers_gave_.emplace();
  gradient_ = std::make_unique<BatchGradient>(*model_, trainable, config_.train, config_.dist, peers_);
  optimizer_ = std::make_unique<Optimizer>(parameter_groups(trainable, config_.optim), config_.optim);
  if (config_.train.ema > 0) average_ = std::make_unique<MovingAverage>(trainable, config_.train.ema);
  if (config_.train.precision == "fp16") scaler_.emplace();
  if (leads()) checkpoints_ = std::make_unique<RunCheckpoints>(config_, tokenizer_);
  if (start.checkpoint) go_on_from(*start.checkpoint);
}

void Trainer::go_on_from(const Checkpoint& checkpoint) {
  optimizer_->load(load_optimizer_state(checkpoint));
  if (average_) average_->load(load_average(checkpoint));
  const auto data = state_.data;
  if (checkpoint.state.data && *checkpoint.state.data != *data) {
    throw Error(run_dir_.string(), ": its training data have changed (", difference(*checkpoint.state.data, *data),
                "); bring them back as they were, or choose another run.dir");
  }
  state_ = checkpoint.state;
  state_.data = data;
  if (scaler_) scaler_->load(state_.loss_scale);
  saved_step_ = state_.step;
  epochs_before_ = checkpoint.config.train.epochs;
  resumed_from_ = checkpoint.folder;
}

// What only the number of steps shows.
void Trainer::check_length() const {
  const auto& train = config_.train;
  const auto per_epoch = loader_->batches_per_epoch();
  if (validation_ && train.validate_every * static_cast<double>(per_epoch) < 1) {
    throw Error("train.validate_every is ", train.validate_every, ", less than a step of the ", per_epoch,
                " an epoch has; set it to ", short_number(1 / static_cast<double>(per_epoch)), " or more");
  }
  const auto begun = (state_.step + per_epoch - 1) / per_epoch;
  if (train.epochs < begun) {
    throw Error("train.epochs is ", train.epochs, " now, and the run in ", run_dir_.string(), " has done ",
                short_number(static_cast<double>(state_.step) / static_cast<double>(per_epoch)), "; set it to ", begun,
                " or more, or choose another run.dir");
  }
}

void Trainer::start_log() {
  const MachineUse use(config_.train, device_);
  log_ = std::make_unique<RunLog>(config_, optimizer_->groups(), use, state_.step, last_step());
  log_->start(*dataset_, loader_->batches_per_epoch(), peers_->ranks(), device_);
}

// Where the run goes on with another number of epochs.
void Trainer::tell_schedule() const {
  const auto epochs = config_.train.epochs;
  if (epochs_before_ == 0 || epochs_before_ == epochs) return;
  if (config_.optim.schedule_epochs > 0) {
    log_info("train.epochs is ", epochs, " now and was ", epochs_before_,
             "; the learning rate follows optim.schedule_epochs=", config_.optim.schedule_epochs, " as before");
    return;
  }
  log_info("train.epochs is ", epochs, " now and was ", epochs_before_,
           "; from here the learning rate follows the schedule of all ", epochs * loader_->batches_per_epoch(),
           " steps: it goes from ", short_number(config_.optim.lr * schedule(epochs_before_)), " to ",
           short_number(config_.optim.lr * schedule(epochs)));
}

int64_t Trainer::last_step() const {
  const int64_t all = loader_->batches_per_epoch() * config_.train.epochs;
  return config_.train.max_steps > 0 ? std::min(all, config_.train.max_steps) : all;
}

bool Trainer::out_of_patience() const {
  return config_.train.patience > 0 && state_.stale_validations >= config_.train.patience;
}

bool Trainer::validation_is_due() const {
  if (!validation_) return false;
  const auto per_epoch = loader_->batches_per_epoch();
  const ValidationPlan plan = {.every = config_.train.validate_every * static_cast<double>(per_epoch),
                               .last = config_.train.epochs * per_epoch};
  return plan.is_due(state_.step, state_.validated_step);
}

// Has an epoch ended since the newest checkpoint, or is it one of train.save_every?
bool Trainer::save_is_due() const {
  if (saved_step_ == state_.step) return false;
  const auto per_epoch = loader_->batches_per_epoch();
  const bool is_epoch_over = state_.step / per_epoch > std::max<int64_t>(saved_step_, 0) / per_epoch;
  return is_epoch_over || (config_.train.save_every > 0 && state_.step % config_.train.save_every == 0);
}

// A signal that any of the processes got; 0: none.
int Trainer::stop_anywhere() {
  auto asked = torch::tensor(stop_requested() != 0 ? 1 : 0, torch::kInt64);
  peers_->all_reduce(asked);
  if (asked.item<int64_t>() == 0) return 0;
  return stop_requested() != 0 ? stop_requested() : SIGTERM;
}

void Trainer::stop(int signal) {
  if (saved_step_ != state_.step && guard_->trusts_weights() && !is_changing_) save();
  if (checkpoints_) {
    checkpoints_->wait();
    log_info("stopped by signal ", signal, " after step ", state_.step, "; the same command goes on from there");
  }
  throw Stopped(signal);
}

int64_t Trainer::run(int64_t trace_steps) try {
  const int64_t first = state_.step, steps = last_step();
  StepTrace trace(run_dir_ / "trace.json", leads() ? trace_steps : 0, device_);
  if (validation_is_due()) settle();  // where a signal came before it
  if (leads() && state_.step < steps && out_of_patience()) {
    log_info("train.patience=", config_.train.patience, " has ended this run after step ", state_.step,
             "; set it higher, or to 0, to go on");
  }
  while (state_.step < steps && !out_of_patience()) {
    if (const int signal = stop_anywhere(); signal != 0) throw Stopped(signal);
    if (checkpoints_) checkpoints_->check();
    const auto batch = next_batch();
    const auto stats = step(batch);
    after_step(batch, stats);
    trace.step_done();
    if (guard_->trusts_weights()) settle();
  }
  if (validation_is_due()) settle();
  if (saved_step_ != state_.step) save();
  if (checkpoints_) checkpoints_->wait();
  set_activity("training is done: waits for the other processes");
  peers_->barrier();
  return state_.step - first;
} catch (const Stopped& stopped) {
  stop(stopped.signal());
} catch (const Error&) {
  // Where all processes get the signal, one may be gone before another has seen its own.
  if (peers_->ranks() > 1 && stop_requested() != 0) stop(stop_requested());
  rescue();
  throw;
} catch (const NotNow&) {
  rescue();
  throw;
} catch (const std::exception& error) {
  const auto sentence = shortage(error);
  if (!sentence) throw;
  rescue();
  throw NotNow(*sentence);
}

// Before an error ends the run: the steps since the last checkpoint are not lost, where the weights are sound.
void Trainer::rescue() noexcept try {
  if (!checkpoints_ || state_.step == 0) return;
  if (is_changing_) {
    log_warning("step ", state_.step + 1, " was not finished, so the weights are not saved",
                saved_step_ >= 0 ? concat("; the same command goes on after step ", saved_step_) : "");
    return;
  }
  if (!guard_->trusts_weights()) return;
  bool is_written = saved_step_ == state_.step;
  try {
    checkpoints_->wait();
  } catch (const std::exception&) {  // this may be what ends the run: another try
    is_written = false;
  }
  if (!is_written) save();
  checkpoints_->wait();
  log_info("step ", state_.step, " is saved; the same command goes on from there");
} catch (const std::exception& error) {
  log_warning("step ", state_.step, " could not be saved: ", error.what());
}

// Factor of the peak rates at this step of a run of `epochs`.
double Trainer::schedule(int64_t epochs) const {
  const double length = config_.optim.schedule_epochs > 0 ? config_.optim.schedule_epochs : static_cast<double>(epochs);
  const double total = std::max(1.0, length * static_cast<double>(loader_->batches_per_epoch()));
  return schedule_factor(config_.optim, static_cast<double>(state_.step) / total);
}

Batch Trainer::next_batch() {
  timer_.restart();
  set_activity(concat("step ", state_.step + 1, ": waits for data"));
  auto batch = loader_->next();
  timer_.lap("wait");
  return batch;
}

// The first step and every train.loss_gradients_every-th after it, so that each run has one, and a resumed one the
// same.
bool Trainer::measures_losses() const {
  const auto every = config_.train.loss_gradients_every;
  return every > 0 && state_.step % every == 0;
}

StepStats Trainer::step(const Batch& batch) {
  set_activity(concat("step ", state_.step + 1, ": computes"));
  model_->train();
  optimizer_->zero_grad();
  const auto& groups = optimizer_->groups();
  StepStats stats{.step = state_.step + 1, .epoch = batch.epoch};
  if (scaler_) stats.loss_scale = scaler_->scale();
  if (measures_losses()) {
    stats.part_norms = gradient_->part_norms(batch, state_.step, stats.loss_scale.value_or(1));
    timer_.lap("loss gradients");
  }
  model_->take_encoded();  // of what was no step
  stats.losses = gradient_->compute(batch, state_.step, timer_, stats.loss_scale.value_or(1));
  const auto encoded = model_->take_encoded();
  stats.tower_macs = model_->image_macs(encoded) + model_->text_macs(encoded);
  if (scaler_) scale_gradients(groups, 1 / *stats.loss_scale);
  stats.norms = clip_global_norm(groups, config_.optim.grad_clip);
  const double factor = schedule(config_.train.epochs);
  stats.lr = config_.optim.lr * factor;
  stats.verdict = guard_->judge(stats.losses.loss, stats.norms.all, scaler_ && scaler_->can_shrink());
  if (scaler_ && std::isfinite(stats.losses.loss)) scaler_->update(std::isfinite(stats.norms.all));
  if (stats.verdict == StepVerdict::kSound) change_weights(factor);
  if (stats.verdict == StepVerdict::kBad) leave_out(batch, stats);
  timer_.lap("optimizer");
  timer_.settle();
  return stats;
}

void Trainer::change_weights(double lr_factor) {
  if (checkpoints_) checkpoints_->before_change();
  is_changing_ = true;  // until after_step()
  optimizer_->step(lr_factor);
  model_->clamp_logit_scale(config_.train.max_logit_scale);
  if (average_) average_->update(state_.step + 1);
}

void Trainer::leave_out(const Batch& batch, const StepStats& stats) {
  ++state_.bad_steps;
  guard_->leave_out({stats.step, stats.losses.loss, stats.norms.all, clips_of(batch, *dataset_)}, saved_step_);
}

void Trainer::after_step(const Batch& batch, const StepStats& stats) {
  state_.step = stats.step;
  state_.position = loader_->position();
  if (scaler_) state_.loss_scale = scaler_->state();
  is_changing_ = false;
  bad_files_->add(batch.bad_clips);
  if (log_) log_->step(stats, model_->logit_scale().item<double>(), timer_);
}

// The validation and the checkpoint that are due after this step; what a validation has found is always saved.
void Trainer::settle() {
  const bool validates = validation_is_due();
  if (validates) validate();
  if (validates || save_is_due()) save();
}

void Trainer::validate() {
  set_activity(concat("validation after step ", state_.step));
  std::optional<MovingAverage::InPlace> averaged;
  if (average_) {
    if (checkpoints_) checkpoints_->before_change();
    averaged.emplace(*average_);
  }
  const auto result = evaluate_validation();
  note_bad_files(result);
  state_.validated_step = state_.step;
  take_score(selected_metric(result.t2v, result.v2t, config_.train.select));
  if (log_) log_->validation(result, state_, loader_->batches_per_epoch());
}

// A video that was missing from the start is not among the clips.
void Trainer::note_bad_files(const Evaluation& result) {
  std::set<std::string> ids;
  for (const auto& clip : validation_->clips) ids.insert(clip.id);
  std::vector<BadClip> bad;
  for (const auto& skipped : result.skipped) {
    if (ids.count(skipped.clip) != 0) bad.push_back({skipped.clip, skipped.cause});
  }
  bad_files_->add(bad);
}

// Equal scores count half against the right answer, whatever eval.ties says: a model of equal embeddings is no best
// one.
Evaluation Trainer::evaluate_validation() {
  EvaluationWork work;
  work.config = config_.eval;
  work.config.ties = "average";
  const auto& eval = config_.eval;
  const TowerWork towers{*model_,         *tokenizer_,          config_.text.max_words,
                         eval.batch_size, config_.data.workers, eval.precision};
  model_->eval();
  const auto features = encode_split(towers, *validation_, *source_, config_.video, eval.on_missing, *peers_,
                                     towers_gave_ ? &*towers_gave_ : nullptr);
  auto result = evaluate(model_->head(), *features, work, *peers_);
  model_->train();
  return result;
}

void Trainer::take_score(double score) {
  if (is_better(score, state_.best_score, config_.train.select)) {
    state_.best_score = score;
    state_.best_step = state_.step;
    state_.stale_validations = 0;
  } else if (++state_.stale_validations == config_.train.patience && leads()) {
    log_info(state_.stale_validations, " validations without a better ", config_.train.select,
             ": the training ends here (train.patience)");
  }
}

// Not copies.
TrainTensors Trainer::tensors() const {
  return {.model = named_tensors(*model_),
          .optimizer = optimizer_->state(),
          .average = average_ ? average_->state() : TensorMap()};
}

void Trainer::save() {
  saved_step_ = state_.step;
  if (!checkpoints_) return;
  set_activity(concat("saves step ", state_.step));  // glint's launcher waits where it reads so
  checkpoints_->save(tensors(), state_);
}

}  // namespace glint
