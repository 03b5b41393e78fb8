#include "glint/train/trainer.h"

#include <torch/torch.h>

#include <cmath>
#include <csignal>
#include <fstream>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "glint/core/activity.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/log.h"
#include "glint/core/progress.h"
#include "glint/core/stop_signal.h"
#include "glint/device/device.h"
#include "glint/train/setup.h"
#include "train/machine_use.h"
#include "train/run_settings.h"
#include "train/step_trace.h"

namespace glint {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kFilesNamed = 5;

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

std::string some_of(const std::set<std::string>& names) {
  std::string text;
  std::size_t named = 0;
  for (const auto& name : names) {
    if (named == kFilesNamed) return concat(text, " and ", names.size() - named, " more");
    text += (named++ == 0 ? "" : ", ") + name;
  }
  return text;
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

Trainer::Trainer(Config config, std::shared_ptr<Communicator> peers, torch::Device device)
    : config_(std::move(config)),
      peers_(std::move(peers)),
      device_(device),
      run_dir_(config_.run.dir),
      lock_(run_dir_ / ".train.lock"),
      timer_(make_work_clock(device)) {
  if (!device_.is_cpu()) use_tf32(config_.train.tf32);
  if (leads()) open_run_folder();
  peers_->barrier();
  dataset_ = std::make_shared<Dataset>(load_dataset(config_.data, config_.data.train_split));
  if (!config_.data.val_split.empty() && config_.train.validate_every > 0) {
    validation_ = load_evaluation_set(config_.data, config_.eval, config_.data.val_split);
  }
  source_ = std::make_shared<ClipSource>(config_.data, config_.video);
  resume();
  loader_ = std::make_unique<TrainLoader>(dataset_, tokenizer_, source_, config_.data, config_.text,
                                          config_.train.batch_size, static_cast<uint64_t>(config_.train.seed),
                                          state_.position, LoaderShare{peers_->rank(), peers_->ranks()},
                                          /*pinned=*/!device_.is_cpu());
  if (!leads()) return;
  metrics_ = std::make_unique<MetricsLog>(run_dir_ / "metrics.jsonl", state_.step);
  machine_use_ = std::make_unique<MachineUse>(config_, model_->clip().sizes(),
                                              config_.train.batch_size / peers_->ranks(), device_);
  log_info(dataset_->name, " ", config_.data.train_split, ": ", dataset_->clips.size(), " clips, ",
           dataset_->captions.size(), " captions, ", loader_->batches_per_epoch(), " steps an epoch of ",
           config_.train.batch_size, " pairs",
           peers_->ranks() > 1 ? concat(" over ", peers_->ranks(), " processes") : std::string(),
           device_.is_cpu() ? std::string()
                            : concat(", on ", find_gpus().gpus.at(static_cast<std::size_t>(device_.index())).name));
}

Trainer::~Trainer() = default;

void Trainer::open_run_folder() {
  if (!lock_.try_lock()) {
    throw Error(run_dir_.string(), ": another glint train works in this folder; let it end or set another run.dir");
  }
  claim_run_folder(run_dir_, config_);
  log_to_file(run_dir_ / "log.txt");
}

// The newest that is whole; rank 0 looks, so that all take the same.
std::optional<Checkpoint> Trainer::newest_checkpoint() const {
  std::optional<Checkpoint> found;
  if (leads()) {
    for (const auto& folder : list_checkpoints(run_dir_)) {
      try {
        found = load_checkpoint(folder);
        break;
      } catch (const Error& error) {
        log_warning(error.what(), "; trying the one before");
      }
    }
  }
  const auto folder = peers_->all_gather(found ? found->folder.string() : std::string()).front();
  if (!leads() && !folder.empty()) found = load_checkpoint(folder);
  return found;
}

// Of a run that starts. One that is trained on the captions is rank 0's for all.
std::shared_ptr<const Tokenizer> Trainer::first_tokenizer() const {
  const bool trained = config_.text.tokenizer == "sentencepiece" && config_.text.vocabulary.empty();
  if (!trained || peers_->ranks() == 1) return make_tokenizer(config_.text, caption_texts(*dataset_));
  const auto own = leads() ? make_tokenizer(config_.text, caption_texts(*dataset_)) : nullptr;
  const auto bytes = peers_->all_gather(own ? own->serialized() : std::string()).front();
  return own ? own : sentencepiece_tokenizer(bytes);
}

// The same weights everywhere.
void Trainer::start_model() {
  model_ = make_model(config_, tokenizer_->vocabulary_size());
  if (leads()) start_from_clips(config_, *dataset_, *source_, *model_);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : model_->parameters()) {
    auto values = parameter.detach();
    peers_->broadcast(values);
  }
}

// From the newest checkpoint that is whole, or from nothing.
void Trainer::resume() {
  const auto found = newest_checkpoint();
  tokenizer_ = found ? found->tokenizer : first_tokenizer();
  if (found) {
    model_ = restore_model(*found);
  } else {
    start_model();
  }
  model_->to(device_);
  freeze_parameters(*model_, config_.optim.clip_lr == 0 ? "towers" : config_.model.freeze);
  const auto trainable = trainable_parameters(*model_);
  gradient_ = std::make_unique<BatchGradient>(*model_, trainable, config_.train, config_.dist, peers_);
  optimizer_ = std::make_unique<Optimizer>(parameter_groups(trainable, config_.optim), config_.optim);
  if (config_.train.ema > 0) average_ = std::make_unique<MovingAverage>(trainable, config_.train.ema);
  if (config_.train.precision == "fp16") scaler_.emplace();
  if (leads()) checkpoints_ = std::make_unique<RunCheckpoints>(config_, tokenizer_);
  if (!found) return;
  optimizer_->load(load_optimizer_state(*found));
  if (average_) average_->load(load_average(*found));
  state_ = found->state;
  if (scaler_) scaler_->load(state_.loss_scale);
  saved_step_ = state_.step;
  if (leads()) log_info("going on from ", found->folder.string(), ", step ", state_.step);
}

int64_t Trainer::last_step() const {
  const int64_t all = loader_->batches_per_epoch() * config_.train.epochs;
  return config_.train.max_steps > 0 ? std::min(all, config_.train.max_steps) : all;
}

bool Trainer::out_of_patience() const {
  return config_.train.patience > 0 && state_.stale_validations >= config_.train.patience;
}

// Has an epoch ended that was not followed by its validation and checkpoint?
bool Trainer::epoch_is_due() const {
  return state_.validated_epochs < state_.position.epoch;
}

// A signal that any of the processes got; 0: none.
int Trainer::stop_anywhere() {
  auto asked = torch::tensor(stop_requested() != 0 ? 1 : 0, torch::kInt64);
  peers_->all_reduce(asked);
  if (asked.item<int64_t>() == 0) return 0;
  return stop_requested() != 0 ? stop_requested() : SIGTERM;
}

void Trainer::stop(int signal) {
  if (saved_step_ != state_.step && bad_steps_in_row_ == 0) save();
  if (checkpoints_) {
    checkpoints_->wait();
    log_info("stopped by signal ", signal, " after step ", state_.step, "; the same command goes on from there");
  }
  throw Stopped(signal);
}

int64_t Trainer::run(int64_t trace_steps) try {
  const int64_t first = state_.step;
  const int64_t steps = last_step();
  std::optional<Progress> progress;
  if (leads()) progress.emplace("train", steps, "steps");
  StepTrace trace(run_dir_ / "trace.json", leads() ? trace_steps : 0, device_);
  if (epoch_is_due()) after_epoch();  // where a signal came before the validation
  while (state_.step < steps && !out_of_patience()) {
    if (const int signal = stop_anywhere(); signal != 0) throw Stopped(signal);
    if (checkpoints_) checkpoints_->check();
    timer_.restart();
    set_activity(concat("step ", state_.step + 1, ": waits for data"));
    const auto batch = loader_->next();
    timer_.lap("wait");
    const double waited_s = timer_.seconds();
    set_activity(concat("step ", state_.step + 1, ": computes"));
    const auto stats = step(batch);
    const double seconds = timer_.seconds();
    after_step(batch, stats);
    trace.step_done();
    if (progress) {
      progress->update(state_.step, concat("epoch ", batch.epoch + 1, ", loss ", short_number(stats.losses.loss),
                                           ", data wait ", std::lround(100 * waited_s / seconds), " %"));
    }
    // Weights of a step that was left out may be ruined, and must not take the place of older ones.
    if (bad_steps_in_row_ > 0) continue;
    if (epoch_is_due()) {
      after_epoch();
    } else if (config_.train.save_every > 0 && state_.step % config_.train.save_every == 0) {
      save();
    }
  }
  if (epoch_is_due()) after_epoch();
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
  throw;
}

// Factor of the peak rates at this step.
double Trainer::schedule() const {
  const double epochs =
      config_.optim.schedule_epochs > 0 ? config_.optim.schedule_epochs : static_cast<double>(config_.train.epochs);
  const double total = std::max(1.0, epochs * static_cast<double>(loader_->batches_per_epoch()));
  return schedule_factor(config_.optim, static_cast<double>(state_.step) / total);
}

StepStats Trainer::step(const Batch& batch) {
  model_->train();
  optimizer_->zero_grad();
  StepStats stats;
  if (scaler_) stats.loss_scale = scaler_->scale();
  stats.losses = gradient_->compute(batch, state_.step, timer_, stats.loss_scale);
  if (scaler_) scale_gradients(optimizer_->groups(), 1 / stats.loss_scale);
  stats.norms = clip_global_norm(optimizer_->groups(), config_.optim.grad_clip);
  const double factor = schedule();
  stats.lr = config_.optim.lr * factor;
  judge(stats);
  if (scaler_ && std::isfinite(stats.losses.loss)) scaler_->update(std::isfinite(stats.norms.all));
  if (stats.left_out && !stats.overflowed) {
    leave_out(batch, stats);
  } else if (!stats.left_out) {
    bad_steps_in_row_ = 0;
    if (checkpoints_) checkpoints_->before_change();
    optimizer_->step(factor);
    model_->clamp_logit_scale(config_.train.max_logit_scale);
    if (average_) average_->update(state_.step + 1);
  }
  timer_.lap("optimizer");
  timer_.settle();
  return stats;
}

// Losses and norms are the same on all processes, and so is the verdict. A loss is no larger for its scale: where it is
// no number, or where the scale is at its lowest, the fault is the step's.
void Trainer::judge(StepStats& stats) const {
  const bool has_loss = std::isfinite(stats.losses.loss);
  stats.left_out = !has_loss || !std::isfinite(stats.norms.all);
  stats.overflowed = stats.left_out && has_loss && scaler_ && scaler_->can_shrink();
}

// A step whose loss or gradient is no number would ruin the weights; many in a row say that they are ruined.
void Trainer::leave_out(const Batch& batch, const StepStats& stats) {
  ++state_.bad_steps;
  std::set<std::string> clips;
  for (const auto sample : batch.samples) {
    const auto clip = dataset_->captions[static_cast<std::size_t>(sample)].clip;
    clips.insert(dataset_->clips[static_cast<std::size_t>(clip)].id);
  }
  const auto what =
      concat("step ", state_.step + 1, ": the loss is ", short_number(stats.losses.loss), " and its gradient's norm ",
             short_number(stats.norms.all), ", with the clips ", some_of(clips));
  if (++bad_steps_in_row_ < config_.train.bad_steps) {
    log_warning(what, "; the step is left out");  // each process of its own clips
    return;
  }
  const auto saved = saved_step_ < 0 ? std::string("no checkpoint was saved before")
                                     : concat("the checkpoint of step ", saved_step_, " stays as it is");
  throw Error(what, ": the training has diverged (", bad_steps_in_row_, " such steps in a row, train.bad_steps); ",
              saved, "; start again in another run.dir with a lower optim.lr or optim.clip_lr");
}

void Trainer::after_step(const Batch& batch, const StepStats& stats) {
  ++state_.step;
  state_.position = loader_->position();
  if (scaler_) state_.loss_scale = scaler_->state();
  log_bad_files(run_dir_, batch.bad_files);
  if (metrics_) log_step(batch, stats);
}

void Trainer::log_step(const Batch& batch, const StepStats& stats) {
  const double seconds = timer_.seconds();
  std::vector<std::pair<std::string, double>> line = {{"step", static_cast<double>(state_.step)},
                                                      {"epoch", static_cast<double>(batch.epoch)},
                                                      {"loss", stats.losses.loss}};
  line.insert(line.end(), stats.losses.parts.begin(), stats.losses.parts.end());
  line.insert(line.end(), {{"lr", stats.lr}, {"grad_norm", stats.norms.all}});
  const auto& groups = optimizer_->groups();
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (!groups[i].parameters.empty()) line.emplace_back("grad_norm/" + groups[i].name, stats.norms.groups[i]);
  }
  line.insert(line.end(), {{"logit_scale", model_->logit_scale().item<double>()},
                           {"samples_per_s", static_cast<double>(config_.train.batch_size) / seconds}});
  if (stats.left_out) line.emplace_back("left_out", 1);
  if (scaler_) line.emplace_back("loss_scale", stats.loss_scale);
  for (const auto& [part, part_s] : timer_.parts()) {
    if (part == "wait") line.emplace_back("data_wait", part_s / seconds);
  }
  for (const auto& [part, part_s] : timer_.parts()) line.emplace_back("seconds/" + part, part_s);
  const auto use = machine_use_->of(timer_);
  line.insert(line.end(), use.begin(), use.end());
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
  set_activity(concat("validation after step ", state_.step));
  std::optional<MovingAverage::InPlace> averaged;
  if (average_) {
    if (checkpoints_) checkpoints_->before_change();
    averaged.emplace(*average_);
  }
  const auto result =
      evaluate(*model_, *tokenizer_, *validation_, *source_, config_.eval, config_.text, config_.data.workers, *peers_);
  if (metrics_) log_validation(result);
  const bool best = result.t2v.r1 > state_.best_score;
  if (best) {
    state_.best_score = result.t2v.r1;
    state_.best_step = state_.step;
    state_.stale_validations = 0;
  } else if (++state_.stale_validations == config_.train.patience) {
    if (leads())
      log_info(state_.stale_validations, " validations without a better R@1: the training ends here (train.patience)");
  }
  if (!leads()) return;
  log_info("epoch ", state_.position.epoch, ", ", config_.data.val_split, ": t2v R@1 ", short_number(result.t2v.r1),
           ", R@5 ", short_number(result.t2v.r5), ", MnR ", short_number(result.t2v.mean_rank), best ? " (best)" : "");
}

void Trainer::log_validation(const Evaluation& result) {
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
  set_activity(concat("saves step ", state_.step));
  checkpoints_->save(tensors(), state_);
}

}  // namespace glint
