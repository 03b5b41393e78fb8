#pragma once

#include <torch/types.h>

#include "glint/dist/communicator.h"

namespace glint {

// Both can be differentiated once. With one rank they return what they are given.
//
// Each asks for a collective in backward() too, and collectives must come in the same order on all ranks. Autograd runs
// a graph's nodes in an order that depends on the graph alone (the newest first, among those whose gradients are
// there), so it is enough that all ranks
//   - build the same graph, calling these functions in the same order,
//   - let every result take part in what backward() starts from (one that does not is not summed on this rank, and the
//     others wait for it), and so skip a backward() (a loss that is no number) all or none,
//   - run backward() from one thread.
// The communicator must outlive the graph.

// [N, ...], the same N everywhere -> [ranks * N, ...], by rank. Gradient: the sum over the ranks of what they send back
// for these rows, so that the ranks' losses count as one sum.
torch::Tensor gather_rows(Communicator& communicator, const torch::Tensor& rows);

// The sum over the ranks, on each of them. Gradient: the sum over the ranks of what they send back; a loss that every
// rank computes from it alone counts `ranks` times.
torch::Tensor sum_over_ranks(Communicator& communicator, const torch::Tensor& values);

}  // namespace glint
