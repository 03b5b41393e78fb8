#include "head/products.h"

#include <torch/torch.h>

#include <algorithm>

namespace glint::bench {
namespace {

constexpr int64_t kPieceFloats = 1 << 20;  // of both factors and the result together, 4 MiB

MatrixProduct piece_of(const MatrixProduct& whole) {
  auto piece = whole;
  piece.columns = std::clamp<int64_t>(kPieceFloats / (2 * whole.inner), 1, whole.columns);
  const auto left = kPieceFloats - whole.inner * piece.columns;
  piece.rows = std::clamp<int64_t>(left / (whole.inner + piece.columns), 1, whole.rows);
  const auto floats = piece.rows * (whole.inner + piece.columns) + whole.inner * piece.columns;
  piece.batch = std::clamp<int64_t>(kPieceFloats / floats, 1, whole.batch);
  return piece;
}

}  // namespace

ProductRun::ProductRun(const std::vector<MatrixProduct>& products) {
  for (const auto& product : products) {
    const auto piece = piece_of(product);
    all_.push_back({product, piece, torch::rand({piece.batch, piece.rows, piece.inner}),
                    torch::rand({piece.batch, piece.columns, piece.inner}),
                    torch::empty({piece.batch, piece.rows, piece.columns})});
  }
}

void ProductRun::run() {
  for (const auto& pieces : all_) {
    for (int64_t i = 0; i < pieces.whole.times; ++i) run(pieces);
  }
}

void ProductRun::run(const Pieces& pieces) {
  const auto& [whole, piece, a, b, out] = pieces;
  for (int64_t n = 0; n < whole.batch; n += piece.batch) {
    const auto batch = std::min(piece.batch, whole.batch - n);
    for (int64_t r = 0; r < whole.rows; r += piece.rows) {
      const auto rows = std::min(piece.rows, whole.rows - r);
      for (int64_t c = 0; c < whole.columns; c += piece.columns) {
        const auto columns = std::min(piece.columns, whole.columns - c);
        const auto left = a.narrow(0, 0, batch).narrow(1, 0, rows), right = b.narrow(0, 0, batch).narrow(1, 0, columns);
        // Contiguous, so that the call writes into it: the beginning of the piece's memory.
        auto result = out.view(-1).narrow(0, 0, batch * rows * columns).view({batch, rows, columns});
        if (batch == 1) {
          auto matrix = result[0];
          at::mm_out(matrix, left[0], right[0].t());
        } else {
          at::bmm_out(result, left, right.transpose(1, 2));
        }
      }
    }
  }
}

}  // namespace glint::bench
