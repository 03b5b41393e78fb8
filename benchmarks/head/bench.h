#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "glint/model/head_cost.h"

namespace glint::bench {

struct HeadBenchOptions {
  HeadSizes sizes;
  int64_t queries = 8;        // of heads that have learned queries
  int64_t texts = 1000;       // A
  int64_t videos = 1000;      // B
  int64_t block = 0;          // so many texts and videos, or pairs of a step, at most; 0: all that 1e12
                              // multiply-accumulates are enough for
  int64_t literal_block = 0;  // texts and videos that both forms are measured on; 0: as many as memory and time allow
  int64_t repeats = 7;        // runs at most, of which the fastest counts; no more of them once all took ten seconds
  bool operators = false;     // scoring: time the form in operators beside the kernel, where the head has one
  bool train = false;         // a training step of the head, from features and back to them, in place of scoring
  int64_t pairs = 128;        // of that step
};

// The head of this name with its default settings and the queries that are asked for; every head for an empty name.
// Throws Error that lists them where there is none of this name.
std::vector<HeadConfig> heads_of(const std::string& name, const HeadBenchOptions& options);

struct Measurement {
  std::string name;
  int64_t texts = 0, videos = 0;                             // really measured
  double seconds = std::numeric_limits<double>::infinity();  // the fastest run
  int64_t runs = 0;
  std::optional<int64_t> peak_bytes = {};  // held at one time beyond inputs and result
  std::optional<int64_t> macs = {};        // counted: HeadCost
};

// Of one head, all in one run on random features.
struct HeadReport {
  std::string head;
  HeadCost cost;
  Measurement ours;                            // what was asked for, or `block` of it
  std::optional<Measurement> products;         // scoring: its matrix products alone, turn by turn with it
  std::optional<Measurement> operators;        // scoring: the head's form in operators, turn by turn with it
  std::optional<Measurement> prepare;          // scoring: work per item of the block below
  std::optional<Measurement> literal_prepare;  // scoring
  Measurement block, literal;                  // both forms on the same features, turn by turn
  double difference = 0;                       // largest between their scores, as a share of the largest score
};

// Throws Error where a size does not fit one of these heads, naming its option.
void check(const std::vector<HeadConfig>& heads, const HeadBenchOptions& options);

// With as many threads as LibTorch is set to. Says on stderr what it does. Throws Bug
// where the two forms do not agree.
HeadReport bench_head(const HeadConfig& head, const HeadBenchOptions& options);

}  // namespace glint::bench
