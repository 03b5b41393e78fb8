#include <variant>

#include "glint/model/head.h"

namespace glint {

std::shared_ptr<RetrievalHead> make_head(const HeadConfig& config, const FeatureShape& shape, double dropout) {
  return std::visit(
      [&](auto head) {
        if constexpr (requires { head.dropout; }) {
          if (dropout >= 0) head.dropout = dropout;
        }
        return make(head, shape);
      },
      config);
}

}  // namespace glint
