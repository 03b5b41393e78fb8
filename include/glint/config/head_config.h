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

// Heads with matrices over words and frames are for captions and clips of one length.
inline bool fixes_lengths(const HeadConfig& head) {
  return std::visit(
      [](const auto& config) {
        return requires {
          config.kFixesLengths;
        };
      },
      head);
}

}  // namespace glint
