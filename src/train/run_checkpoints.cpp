#include "glint/train/run_checkpoints.h"

#include <chrono>
#include <iomanip>
#include <sstream>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/log.h"
#include "train/snapshot.h"

namespace glint {

namespace fs = std::filesystem;

namespace {

fs::path step_folder(const fs::path& run_dir, int64_t step) {
  std::ostringstream name;
  name << "step_" << std::setw(6) << std::setfill('0') << step;
  return run_dir / "checkpoints" / name.str();
}

// Replaces the link in one move.
void point_link(const fs::path& link, const fs::path& target) {
  const fs::path fresh = link.string() + ".new";  // one training at a time works in the folder
  files::remove(fresh);
  files::link(target.filename(), fresh);
  files::rename(fresh, link);
}

}  // namespace

RunCheckpoints::RunCheckpoints(const Config& config, std::shared_ptr<const Tokenizer> tokenizer)
    : config_(config), run_dir_(config.run.dir), tokenizer_(std::move(tokenizer)) {
  require_writable(run_dir_ / "checkpoints" / "step");
}

RunCheckpoints::~RunCheckpoints() {
  try {
    wait();
  } catch (const std::exception& error) {  // on the way out of another one, or nobody waited
    log_warning(error.what());
  }
}

void RunCheckpoints::save(const TrainTensors& tensors, const TrainState& state) {
  wait();
  snapshot_ = std::make_unique<Snapshot>(tensors, copies_);
  writing_ = writer_.submit([this, state] { write(state); });
}

void RunCheckpoints::before_change() {
  check();
  if (snapshot_) snapshot_->detach();
}

void RunCheckpoints::check() {
  if (writing_.valid() && writing_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) wait();
}

void RunCheckpoints::wait() {
  if (!writing_.valid()) return;
  writing_.wait();
  snapshot_.reset();
  writing_.get();
}

void RunCheckpoints::write(const TrainState& state) const {
  const auto folder = step_folder(run_dir_, state.step);
  const auto as_it_was = [this](const torch::Tensor& tensor, AtomicFile& file) { snapshot_->write(tensor, file); };
  save_checkpoint(folder, config_, *tokenizer_, snapshot_->tensors(), state, as_it_was);
  snapshot_->make_room();
  point_link(run_dir_ / "checkpoints" / "last", folder);
  if (state.best_score >= 0 && files::exists(step_folder(run_dir_, state.best_step))) {
    point_link(run_dir_ / "checkpoints" / "best", step_folder(run_dir_, state.best_step));
  }
  drop_old(state);
}

void RunCheckpoints::drop_old(const TrainState& state) const {
  int64_t kept = 0;
  for (const auto& folder : list_checkpoints(run_dir_)) {
    const bool best = state.best_score >= 0 && folder == step_folder(run_dir_, state.best_step);
    if (best || ++kept <= config_.train.keep) continue;
    files::remove_all(folder);
  }
}

}  // namespace glint
