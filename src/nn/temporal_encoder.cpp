#include "glint/nn/temporal_encoder.h"

#include <torch/torch.h>

#include "glint/core/error.h"
#include "glint/nn/autocast.h"
#include "glint/nn/transformer.h"

namespace glint {

namespace {

constexpr int64_t kHeadWidth = 64;
constexpr double kMaskedFrameBiasInHalf = -3e4;

class NoTemporalEncoder final : public TemporalEncoder {
 public:
  torch::Tensor forward(const torch::Tensor& frames, const torch::Tensor&) override { return frames; }
};

// Note [seq_lstm padding]: as released. Frames past a clip's own length but below the longest of the batch get 0 + V,
// frames past the longest get V + V, so the result at padded frames depends on the batch.
class SeqLstm final : public TemporalEncoder {
 public:
  explicit SeqLstm(const TemporalSizes& sizes)
      : lstm_(register_module("lstm",
                              torch::nn::LSTM(torch::nn::LSTMOptions(sizes.width, sizes.width).batch_first(true)))) {}

  torch::Tensor forward(const torch::Tensor& frames, const torch::Tensor& mask) override {
    namespace rnn = torch::nn::utils::rnn;
    const auto lengths =
        mask.sum(1).to(torch::kCPU, torch::kInt64).clamp_min(1);  // [B]; a clip of padding counts as one frame
    const auto packed = rnn::pack_padded_sequence(frames, lengths, /*batch_first=*/true, /*enforce_sorted=*/false);
    const auto output = std::get<0>(lstm_->forward_with_packed_input(packed));
    const auto seen = std::get<0>(rnn::pad_packed_sequence(output, /*batch_first=*/true));  // [B, longest, D]
    const auto rest = frames.slice(1, seen.size(1));                                        // [B, T - longest, D]
    return torch::cat({seen, rest}, 1) + frames;
  }

 private:
  torch::nn::LSTM lstm_;
};

// V + blocks(V + positions), padded frames hidden as keys (methods 2).
class SeqTransf final : public TemporalEncoder {
 public:
  explicit SeqTransf(const TemporalSizes& sizes) {
    GLINT_CHECK(sizes.width % kHeadWidth == 0, "width ", sizes.width, " is not a multiple of ", kHeadWidth);
    positions_ = register_module("frame_position_embeddings",
                                 torch::nn::Embedding(torch::nn::EmbeddingOptions(sizes.position_rows, sizes.width)));
    blocks_ = register_module(
        "resblocks", std::make_shared<BlockStack>(
                         sizes.layers, BlockSizes{sizes.width, sizes.width / kHeadWidth, kTemporalLayerNormEps}));
    torch::NoGradGuard no_grad;
    positions_->weight.normal_(0, kClip4ClipStddev);
    blocks_->initialise_as_clip4clip();
  }

  torch::Tensor forward(const torch::Tensor& frames, const torch::Tensor& mask) override {
    const auto steps = frames.size(1);
    GLINT_CHECK(steps <= positions_->weight.size(0), steps, " frames, ", positions_->weight.size(0), " positions");
    // In float16 the released bias would be infinite, and a clip without a frame no number.
    const bool is_half = autocast_type(frames.device().type()) == torch::kHalf;
    const double hidden = is_half ? kMaskedFrameBiasInHalf : kMaskedFrameBias;
    const auto bias = (1 - mask.to(frames.scalar_type())).mul_(hidden).view({frames.size(0), 1, 1, steps});
    const auto seen = blocks_->forward(frames + positions_->weight.slice(0, 0, steps), {/*causal=*/false, bias});
    return seen + frames;  // [B, T, D]
  }

 private:
  torch::nn::Embedding positions_ = nullptr;
  std::shared_ptr<BlockStack> blocks_;
};

}  // namespace

std::shared_ptr<TemporalEncoder> make_temporal_encoder(const std::string& name, const TemporalSizes& sizes) {
  if (name == "none") return std::make_shared<NoTemporalEncoder>();
  if (name == "seq_lstm") return std::make_shared<SeqLstm>(sizes);
  if (name == "seq_transf") return std::make_shared<SeqTransf>(sizes);
  throw Error("config.model.temporal: no temporal encoder '", name, "'; there are none, seq_lstm, seq_transf");
}

}  // namespace glint
