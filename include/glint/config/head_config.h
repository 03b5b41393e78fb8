#pragma once

#include <variant>

#include "glint/config/glccl_config.h"
#include "glint/config/glscl_config.h"
#include "glint/config/mean_pool_config.h"
#include "glint/config/tight_config.h"
#include "glint/config/xclip_config.h"
#include "glint/config/xpool_config.h"

namespace glint {

// head.name chooses one, by its kName; the other keys of the section are its own.
using HeadConfig = std::variant<MeanPoolConfig, GlsclConfig, GlcclConfig, XclipConfig, XpoolConfig, TightConfig>;

}  // namespace glint
