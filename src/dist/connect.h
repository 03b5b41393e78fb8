#pragma once

#include <memory>

#include "dist/group.h"
#include "glint/dist/rank_info.h"

namespace glint::dist {

// Connects all ranks, whose tensors live on the CPU and on `device`. Throws Error where that does not happen within
// `timeout_s`, naming the ranks that are missing.
std::unique_ptr<Group> connect_ranks(const RankInfo& info, double timeout_s, torch::Device device);

}  // namespace glint::dist
