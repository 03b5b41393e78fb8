#pragma once

#include "glint/config/config.h"
#include "glint/dist/communicator.h"

namespace glint::app {

// What ranks on several machines can get wrong and no collective notices: another version of glint, other settings
// (but for where a machine keeps its files, and what it spends), a run folder that is another one on each machine.
// Throws Error on all ranks, naming the rank, its machine and the first key with both values. Collective.
void check_agreement(const Config& config, Communicator& peers);

}  // namespace glint::app
