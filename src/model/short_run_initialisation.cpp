#include "glint/model/short_run_initialisation.h"

#include <torch/torch.h>

#include <algorithm>
#include <string>
#include <utility>

#include "glint/core/error.h"
#include "glint/model/clip.h"

namespace glint {
namespace {

constexpr double kDamping = 0.01;  // of the mean variance, added to each component's: noise is not blown up
constexpr double kTinyVariance = 1e-6;

// By how much the tables grow. Tokens: 0.2, words' places: 0.1, frames' places: 0.4, patches' places: 3 / sqrt(W).
constexpr std::pair<const char*, double> kLargerTables[] = {{"clip.token_embedding.weight", 10},
                                                            {"clip.positional_embedding", 10},
                                                            {"clip.visual.positional_embedding", 3},
                                                            {"temporal.frame_position_embeddings.weight", 20}};

// [W, 3 p p]: the components of most variance, as many as there are filters, scaled to about unit size and turned.
torch::Tensor whitening_filters(const torch::Tensor& moment, int64_t width) {
  const auto [variances, components] = torch::linalg_eigh(moment);  // rising; a component is a column
  const int64_t size = moment.size(0), count = std::min(width, size);
  const auto kept = variances.slice(0, size - count).clamp_min(0);              // [K]
  const auto damping = (kDamping * variances.mean()).clamp_min(kTinyVariance);  // of pictures without any light, too
  const auto whitened = components.slice(1, size - count).t() / (kept + damping).sqrt().unsqueeze(1);  // [K, 3 p p]
  const auto turn = std::get<0>(torch::linalg_qr(torch::randn({width, width}, moment.options())));
  return turn.slice(1, 0, count).mm(whitened);
}

torch::Tensor parameter(RetrievalModel& model, const std::string& name) {
  const auto parameters = model.named_parameters();
  const auto* found = parameters.find(name);
  return found == nullptr ? torch::Tensor() : *found;
}

}  // namespace

void PatchMoments::add(const torch::Tensor& frames) {
  const int64_t side = frames.size(2) / patch_size_, values = 3 * patch_size_ * patch_size_;
  GLINT_CHECK(side * patch_size_ == frames.size(2), frames.size(2), " pixels in patches of ", patch_size_);
  const auto pixels = normalise_pixels(frames).view({-1, 3, side, patch_size_, side, patch_size_});
  const auto cut = pixels.permute({0, 2, 4, 1, 3, 5}).reshape({-1, values});  // [N g g, 3 p p]
  const auto moment = cut.t().mm(cut).to(torch::kFloat64);
  sum_ = sum_.defined() ? sum_ + moment : moment;
  patches_ += cut.size(0);
}

torch::Tensor PatchMoments::second_moment() const {
  GLINT_CHECK(patches_ > 0, "no patch was added");
  return sum_ / static_cast<double>(patches_);
}

void initialise_for_short_run(RetrievalModel& model, const PatchMoments& moments) {
  torch::NoGradGuard no_grad;
  auto filters = parameter(model, "clip.visual.conv1.weight");
  filters.copy_(whitening_filters(moments.second_moment(), filters.size(0)).view(filters.sizes()));
  for (const auto& [name, factor] : kLargerTables) {
    if (auto table = parameter(model, name); table.defined()) table.mul_(factor);  // not every temporal encoder has one
  }
}

}  // namespace glint
