#include "glint/train/run_checkpoints.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iomanip>
#include <sstream>

#include "glint/core/error.h"
#include "glint/core/log.h"

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
  const fs::path fresh = link.string() + ".new";
  std::error_code ignored;  // there is usually none to remove
  fs::remove(fresh, ignored);
  fs::create_symlink(target.filename(), fresh);
  fs::rename(fresh, link);
}

constexpr int64_t kPieceBytes = 4 << 20;  // tensors are of very unequal size: threads share them out by pieces

struct Piece {
  const char* from;
  char* to;
  std::size_t bytes;
};

// Memory for a copy of `like`, touched, so that copying does not wait for the system to find it.
void reserve_like(const TensorMap& like, TensorMap& copy) {
  for (const auto& [name, tensor] : like) copy[name] = torch::empty(tensor.sizes(), tensor.scalar_type()).zero_();
}

void add_pieces(const TensorMap& from, TensorMap& to, std::vector<Piece>& pieces) {
  GLINT_CHECK(from.size() == to.size(), from.size(), " tensors, room for ", to.size());
  for (const auto& [name, tensor] : from) {
    auto& copied = to.at(name);
    GLINT_CHECK(tensor.is_contiguous() && tensor.is_cpu() && tensor.nbytes() == copied.nbytes(), "'", name, "' is ",
                tensor.toString());
    const auto* source = static_cast<const char*>(tensor.const_data_ptr());
    auto* target = static_cast<char*>(copied.data_ptr());
    const auto bytes = static_cast<int64_t>(tensor.nbytes());
    for (int64_t done = 0; done < bytes; done += kPieceBytes) {
      pieces.push_back({source + done, target + done, static_cast<std::size_t>(std::min(kPieceBytes, bytes - done))});
    }
  }
}

}  // namespace

RunCheckpoints::RunCheckpoints(const Config& config, std::shared_ptr<const Tokenizer> tokenizer)
    : config_(config), run_dir_(config.run.dir), tokenizer_(std::move(tokenizer)) {}

RunCheckpoints::~RunCheckpoints() {
  try {
    wait();
  } catch (const std::exception& error) {  // on the way out of another one, or nobody waited
    log_warning(error.what());
  }
}

void RunCheckpoints::reserve(const TrainTensors& tensors) {
  wait();
  writing_ = writer_.submit([this, tensors] { make_room(tensors); });
}

void RunCheckpoints::make_room(const TrainTensors& tensors) {
  reserve_like(tensors.model, copy_.model);
  reserve_like(tensors.optimizer, copy_.optimizer);
  reserve_like(tensors.average, copy_.average);
}

void RunCheckpoints::save(const TrainTensors& tensors, const TrainState& state) {
  wait();
  if (copy_.model.empty()) make_room(tensors);
  std::vector<Piece> pieces;
  add_pieces(tensors.model, copy_.model, pieces);
  add_pieces(tensors.optimizer, copy_.optimizer, pieces);
  add_pieces(tensors.average, copy_.average, pieces);
  at::parallel_for(0, std::ssize(pieces), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto& piece = pieces[static_cast<std::size_t>(i)];
      std::memcpy(piece.to, piece.from, piece.bytes);
    }
  });
  writing_ = writer_.submit([this, state] { write(state); });
}

void RunCheckpoints::check() {
  if (writing_.valid() && writing_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) writing_.get();
}

void RunCheckpoints::wait() {
  if (writing_.valid()) writing_.get();
}

void RunCheckpoints::write(const TrainState& state) const try {
  const auto folder = step_folder(run_dir_, state.step);
  save_checkpoint(folder, config_, *tokenizer_, copy_, state);
  point_link(run_dir_ / "checkpoints" / "last", folder);
  if (state.best_score >= 0 && fs::exists(step_folder(run_dir_, state.best_step))) {
    point_link(run_dir_ / "checkpoints" / "best", step_folder(run_dir_, state.best_step));
  }
  drop_old(state);
} catch (const fs::filesystem_error& error) {
  throw Error(error.path1().string(), ": the checkpoint's link cannot be set: ", error.code().message());
}

void RunCheckpoints::drop_old(const TrainState& state) const {
  int64_t kept = 0;
  for (const auto& folder : list_checkpoints(run_dir_)) {
    const bool best = state.best_score >= 0 && folder == step_folder(run_dir_, state.best_step);
    if (best || ++kept <= config_.train.keep) continue;
    fs::remove_all(folder);
  }
}

}  // namespace glint
