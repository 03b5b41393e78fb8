#include "glint/nn/start.h"

namespace glint {
namespace {

thread_local bool parameters_do_start = true;

}  // namespace

WithoutStart::WithoutStart() : before_(parameters_do_start) {
  parameters_do_start = false;
}

WithoutStart::~WithoutStart() {
  parameters_do_start = before_;
}

bool parameters_start() {
  return parameters_do_start;
}

}  // namespace glint
