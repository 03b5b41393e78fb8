#pragma once

#include <memory>

#include "glint/model/head.h"

namespace glint::literal {

// The literal form of a head behind the head's own interface, with the parameters of `head` (of make_head with the same
// `config` and `shape`), copied and named alike. Without dropout; of X-Pool its transformer. Without masks for what the
// release does not mask. Where a head gives 0 for what has no cosine, a literal form divides by zero.
std::shared_ptr<RetrievalHead> make_literal(const HeadConfig& config, const FeatureShape& shape,
                                            const RetrievalHead& head);

}  // namespace glint::literal
