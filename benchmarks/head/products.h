#pragma once

#include <torch/types.h>

#include <vector>

#include "glint/model/head_cost.h"

namespace glint::bench {

// Matrix products of random numbers, each one plain call of LibTorch into memory that is there already. Large ones run
// in pieces that stay in a core's cache, as the heads' own do.
class ProductRun {
 public:
  explicit ProductRun(const std::vector<MatrixProduct>& products);
  void run();

 private:
  struct Pieces {
    MatrixProduct whole, piece;
    torch::Tensor a, b, out;  // [batch, rows, inner], [batch, columns, inner], [batch, rows, columns] of a piece
  };
  static void run(const Pieces& pieces);
  std::vector<Pieces> all_;
};

}  // namespace glint::bench
