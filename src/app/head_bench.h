#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace glint::app {

struct HeadBenchOptions {
  std::string head = "glscl";  // mean_pool, glscl, glccl, xclip, xpool, tight
  int64_t texts = 1000;        // A
  int64_t videos = 1000;       // B
  int64_t frames = 12;         // T
  int64_t words = 32;          // L
  int64_t queries = 8;         // Q
  int64_t width = 512;         // D
  int64_t repeats = 7;         // the fastest counts
  bool train = false;          // a training step of min(texts, videos) pairs, decoder and losses, in place of scoring
};

struct Measurement {
  std::string name;
  double seconds = std::numeric_limits<double>::infinity();  // the fastest of the repeats
  std::optional<int64_t> peak_bytes = {};                    // held at one time beyond inputs and result
  std::optional<int64_t> macs = {};                          // multiply-accumulates of the matrix products
  std::optional<double> ratio = {};                          // seconds / those of the products alone
};

// Measures a head on random features with as many threads as LibTorch is set to: its work, then, for scoring, the
// matrix products of the exact form alone, turn by turn. Throws Error for a head that is not there or a size below 1.
std::vector<Measurement> bench_head(const HeadBenchOptions& options);

}  // namespace glint::app
