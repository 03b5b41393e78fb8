#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "glint/model/head_descriptor.h"

namespace glint::test {

// What scores 0 because it has no cosine.
enum class Zero { kNothing, kPair, kText, kEither };  // zero text with zero video; zero text; zero text or video

// A head in one of its settings, and what holds of it there.
struct Kind {
  std::string head;                                                         // "glscl"
  std::string name;                                                         // "glscl masked"
  std::function<std::shared_ptr<RetrievalHead>(const FeatureShape&)> make;  // without dropout
  std::function<std::shared_ptr<RetrievalHead>(const FeatureShape&, const RetrievalHead&)> literal;
  std::function<HeadCost(const HeadSizes&)> cost;
  bool hides_words = false, hides_frames = false;  // Does padding change nothing?
  Zero zero = Zero::kNothing;
  bool has_literal = true;   // Is this one written out in src/model/literal?
  bool keeps_words = false;  // Are the words themselves compared, so that they are kept beside what is prepared?
};

struct KindTraits {
  bool hides_words = false, hides_frames = false;
  Zero zero = Zero::kNothing;
  bool has_literal = true, keeps_words = false;
};

template <class Config>
Kind kind(const std::string& name, Config config, const KindTraits& traits) {
  if constexpr (requires { config.dropout; }) config.dropout = 0;
  return {.head = Config::kName,
          .name = name,
          .make = [config](const FeatureShape& shape) { return descriptor(config).make(config, shape); },
          .literal = [config](const FeatureShape& shape,
                              const RetrievalHead& head) { return descriptor(config).literal(config, shape, head); },
          .cost = [config](const HeadSizes& sizes) { return cost_of(config, sizes); },
          .hides_words = traits.hides_words,
          .hides_frames = traits.hides_frames,
          .zero = traits.zero,
          .has_literal = traits.has_literal,
          .keeps_words = traits.keeps_words};
}

// Adds the kinds of one head, its released one first, to those that every_head_test.cpp tries: once in each head's
// test.
class AddKinds {
 public:
  explicit AddKinds(const std::vector<Kind>& kinds);
};

// Those of all heads, and of the toy head.
std::vector<Kind> every_kind();

// The first of each head.
std::vector<Kind> released_kinds();

}  // namespace glint::test
