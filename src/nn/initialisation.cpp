#include "glint/nn/initialisation.h"

namespace glint {
namespace {

thread_local bool parameters_do_start = true;

}  // namespace

WithoutInitialisation::WithoutInitialisation() : before_(parameters_do_start) {
  parameters_do_start = false;
}

WithoutInitialisation::~WithoutInitialisation() {
  parameters_do_start = before_;
}

bool initialises_parameters() {
  return parameters_do_start;
}

}  // namespace glint
