#include "train/snapshot.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "glint/core/error.h"
#include "glint/device/device.h"

namespace glint {
namespace {

// Threads share the copying out by pieces, as tensors are of very unequal size; the writer reads as much at a time.
constexpr std::size_t kPieceBytes = std::size_t{4} << 20;

const void* key(const torch::Tensor& tensor) {
  return tensor.unsafeGetTensorImpl();
}

bool has_room(const torch::Tensor& copy, const torch::Tensor& values) {
  return copy.defined() && copy.sizes() == values.sizes() && copy.scalar_type() == values.scalar_type();
}

struct Piece {
  const char* from;
  char* to;
  std::size_t bytes;
};

}  // namespace

// The training's turn, which ends however detach() does: the writer would wait for ever.
class Snapshot::Turn {
 public:
  explicit Turn(Snapshot& snapshot) : snapshot_(snapshot) {
    snapshot.detaching_ = true;
    lock_ = std::unique_lock(snapshot.mutex_);
  }
  ~Turn() {
    snapshot_.detaching_ = false;
    lock_.unlock();
    snapshot_.turn_.notify_one();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Snapshot& snapshot_;
  std::unique_lock<std::mutex> lock_;
};

Snapshot::Snapshot(TrainTensors tensors, Copies& copies) : tensors_(std::move(tensors)), copies_(copies) {
  const std::array maps = {&tensors_.model, &tensors_.optimizer, &tensors_.average};
  copies_.resize(maps[0]->size() + maps[1]->size() + maps[2]->size());
  torch::Device device = torch::kCPU;
  for (const auto* map : maps) add(*map, device);
  synchronise(device);
}

// Asks a GPU for its tensors, without waiting for them; `device` becomes it.
void Snapshot::add(const TensorMap& map, torch::Device& device) {
  for (const auto& [name, tensor] : map) {
    auto values = tensor.detach();
    if (!tensor.is_cpu()) {
      auto& copy = copies_[parts_.size()];
      if (!has_room(copy, values)) {
        copy = torch::empty(values.sizes(), torch::TensorOptions(values.scalar_type()).pinned_memory(true));
      }
      values = copy.copy_(values, /*non_blocking=*/true);
      device = tensor.device();
    }
    values = values.contiguous();
    const bool is_copy = !values.is_alias_of(tensor);
    const auto bytes = values.nbytes();
    const Part part = {std::move(values), bytes, tensor._version(), parts_.size(), is_copy};
    GLINT_CHECK(parts_.emplace(key(tensor), part).second, "'", name, "' is there twice");
  }
}

void Snapshot::write(const torch::Tensor& tensor, AtomicFile& file) {
  auto& part = parts_.at(key(tensor));
  std::vector<char> piece(std::min(kPieceBytes, part.bytes));
  while (part.read < part.bytes) file.write(piece.data(), read_piece(part, piece.data()));
}

// The next bytes of `part`. The disk is not waited for with the mutex held. -> how many
std::size_t Snapshot::read_piece(Part& part, char* to) {
  std::unique_lock lock(mutex_);
  turn_.wait(lock, [this] { return !detaching_; });
  const auto bytes = std::min(kPieceBytes, part.bytes - part.read);
  std::memcpy(to, static_cast<const char*>(part.values.const_data_ptr()) + part.read, bytes);
  GLINT_CHECK(part.is_copy || part.values._version() == part.version, "a tensor of ", part.values.sizes(),
              " changed while it was saved");
  part.read += bytes;
  return bytes;
}

void Snapshot::make_room() {
  const auto copied = [](const auto& part) { return part.second.is_copy; };
  if (std::none_of(parts_.begin(), parts_.end(), copied)) return;
  for (const auto& [tensor, part] : parts_) {
    if (has_room(copies_[part.copy], part.values)) continue;
    auto room = torch::zeros_like(part.values);  // the system gives memory when it is first written to
    const std::lock_guard lock(mutex_);
    copies_[part.copy] = std::move(room);
  }
}

void Snapshot::detach() {
  const Turn mine(*this);
  std::vector<Part*> rest;
  for (auto& [tensor, part] : parts_) {
    if (part.is_copy || part.read == part.bytes) continue;
    auto& copy = copies_[part.copy];
    if (!has_room(copy, part.values)) copy = torch::empty_like(part.values);  // may throw: nothing has changed yet
    rest.push_back(&part);
  }
  std::vector<Piece> pieces;
  for (auto* part : rest) {
    const auto bytes = part->bytes;
    const auto* from = static_cast<const char*>(part->values.const_data_ptr());
    auto* to = static_cast<char*>(copies_[part->copy].data_ptr());
    for (auto done = part->read; done < bytes; done += kPieceBytes) {
      pieces.push_back({from + done, to + done, std::min(kPieceBytes, bytes - done)});
    }
  }
  at::parallel_for(0, std::ssize(pieces), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto& piece = pieces[static_cast<std::size_t>(i)];
      std::memcpy(piece.to, piece.from, piece.bytes);
    }
  });
  for (auto* part : rest) {
    part->values = copies_[part->copy];
    part->is_copy = true;
  }
}

}  // namespace glint
