#include "train/scope_seeds.h"

#include <ATen/CPUGeneratorImpl.h>

#include <memory>

namespace glint::test {

namespace {

thread_local std::map<std::string, std::set<std::uint64_t>> noted;

std::unique_ptr<at::ObserverContext> note(const at::RecordFunction& scope) {
  noted[scope.name()].insert(at::detail::getDefaultCPUGenerator().current_seed());
  return nullptr;
}

}  // namespace

ScopeSeeds::ScopeSeeds()
    : handle_(at::addThreadLocalCallback(at::RecordFunctionCallback(&note).scopes({at::RecordScope::USER_SCOPE}))) {
  noted.clear();
}

ScopeSeeds::~ScopeSeeds() {
  at::removeCallback(handle_);
}

const std::map<std::string, std::set<std::uint64_t>>& ScopeSeeds::seeds() {
  return noted;
}

}  // namespace glint::test
