#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "glint/config/head_config.h"
#include "glint/io/safetensors.h"
#include "glint/model/head.h"
#include "glint/model/head_cost.h"

namespace glint {

// The published system around a head: what glint import takes its weights for, and the settings that weights do not
// tell.
struct ReleasedSystem {
  std::string name;                     // "xclip", of glint import --as
  std::string text_mask = "causal";     // model.text_mask
  std::string sampling = "clip4clip";   // video.sampling
  std::string words_weight = "";        // whose rows are text.max_words; empty: no weight tells them
  std::string frames_weight = "";       // whose rows are video.num_frames, where it is there
  bool has_hugging_face_names = false;  // of its towers' weights; else OpenAI's
};

// Everything that glint asks about a head beside its scores, one object a head. The compiler names what a head leaves
// out, and a head of HeadConfig without a descriptor. docs/development.md shows a whole head.
template <class Config>
class HeadDescriptor {
 public:
  virtual ~HeadDescriptor() = default;

  // Throws Error naming the key where settings or sizes do not fit.
  virtual std::shared_ptr<RetrievalHead> make(const Config& config, const FeatureShape& shape) const = 0;

  // Without exact.pair, which follows from pair_products().
  virtual HeadCost cost(const Config& config, const HeadSizes& sizes) const = 0;

  virtual std::vector<MatrixProduct> pair_products(const Config& config, const HeadSizes& sizes, int64_t texts,
                                                   int64_t videos) const = 0;

  // The formula written out (src/model/literal), behind the head's own interface, with the parameters of `head` (of
  // make() with the same settings and `shape`), copied and named alike: the judge of the fast form. Without dropout; of
  // X-Pool its transformer. Without masks for what the release does not mask. Where a head gives 0 for what has no
  // cosine, a literal form divides by zero.
  virtual std::shared_ptr<RetrievalHead> literal(const Config& config, const FeatureShape& shape,
                                                 const RetrievalHead& head) const = 0;

  // Floats that a pair holds in the literal form at its peak, as measured and rounded up; with `train` until the end of
  // the backward pass. The score itself comes on top.
  virtual double literal_floats(const HeadSizes& sizes, bool train) const = 0;

  virtual ReleasedSystem released() const = 0;

  // The settings that a released checkpoint tells, by the released names; none where it is no checkpoint of this head.
  virtual std::optional<Config> of_released(const TensorMap& weights) const = 0;
};

// One a head, defined in src/model/heads/<name>.cpp.
const HeadDescriptor<MeanPoolConfig>& descriptor(const MeanPoolConfig&);
const HeadDescriptor<GlsclConfig>& descriptor(const GlsclConfig&);
const HeadDescriptor<GlcclConfig>& descriptor(const GlcclConfig&);
const HeadDescriptor<XclipConfig>& descriptor(const XclipConfig&);
const HeadDescriptor<XpoolConfig>& descriptor(const XpoolConfig&);
const HeadDescriptor<TightConfig>& descriptor(const TightConfig&);

// With exact.pair.
template <class Config>
HeadCost cost_of(const Config& config, const HeadSizes& sizes) {
  const auto& head = descriptor(config);
  auto cost = head.cost(config, sizes);
  for (const auto& product : head.pair_products(config, sizes, 1, 1)) cost.exact.pair += product.macs();
  return cost;
}

// As HeadDescriptor has them.
std::shared_ptr<RetrievalHead> make_literal(const HeadConfig& head, const FeatureShape& shape,
                                            const RetrievalHead& fast);
double literal_floats(const HeadConfig& head, const HeadSizes& sizes, bool train);

ReleasedSystem released_system(const HeadConfig& head);

// The names of all released systems, each once, in HeadConfig's order.
std::vector<std::string> released_systems();

// The head of a released checkpoint; mean pooling, which has no weights, where it is no other's.
HeadConfig released_head(const TensorMap& weights);

}  // namespace glint
